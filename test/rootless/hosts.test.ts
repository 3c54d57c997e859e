import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { image } from '../support/engine.ts'
import { killHostAndHelper } from '../support/kill.ts'
import { makePlace, type Place } from '../support/place.ts'
import { failure } from '../support/results.ts'
import { startVictim } from '../support/victims.ts'

const silent = { debug() {}, warn() {}, error() {} }
let place: Place

beforeAll(async () => {
  place = await makePlace()
})

afterAll(() => place.remove())

interface Agreement {
  readonly user: string
  readonly holders: readonly { readonly pid: number }[]
}

const agreement = async (): Promise<Agreement> => JSON.parse(await readFile(join(place.runRoot, 'namespaces.json'), 'utf8')) as Agreement

const namespaceOf = async (pid: number | undefined): Promise<string> => {
  const { dev, ino } = await stat(`/proc/${pid}/ns/user`)
  return `${dev}:${ino}`
}

describe('hosts of one user', () => {
  it('that come at the same time agree upon one user namespace', async () => {
    const runtimes = await Promise.all(Array.from({ length: 8 }, () => place.open()))
    try {
      const containers = await Promise.all(
        runtimes.map(async (runtime, index) => {
          const container = await runtime.containers.create({ ...place.container, name: `c${index}`, command: ['sleep', '600'] })
          await container.start()
          return container
        }),
      )
      const pids = await Promise.all(containers.map(async (container) => (await container.inspect()).state.pid))
      const namespaces = new Set(await Promise.all(pids.map(namespaceOf)))
      expect([...namespaces]).toEqual([(await agreement()).user])
      // Each enters the container of another.
      const results = await Promise.all(
        runtimes.map((runtime, i) => runtime.containers.ref(containers[(i + 3) % 8]?.id ?? '').exec(['echo', 'in'])),
      )
      expect(results.map(({ stdout }) => stdout)).toEqual(results.map(() => 'in\n'))
    } finally {
      await Promise.all(runtimes.map((runtime) => runtime.close()))
    }
    expect((await agreement()).holders).toEqual([])
    await place.with((runtime) => place.clear(runtime))
    await place.quiet()
    await place.expectClean()
  })

  it('find what another left that was killed with all that was his, and enter the same namespace', { timeout: 60_000 }, async () => {
    const victim = startVictim(place, {
      scenario: 'stay',
      stay: [{ name: 'victim-stays', command: ['sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.1; done'] }],
    })
    await victim.ready()
    const before = await agreement()
    await killHostAndHelper(place, victim)
    await place.with(async (runtime) => {
      const container = await runtime.containers.get('victim-stays')
      expect((await container.inspect()).status).toBe('running')
      expect(await namespaceOf((await container.inspect()).state.pid)).toBe(before.user)
      expect((await agreement()).user).toBe(before.user)
      expect(await container.exec(['id', '-u'])).toMatchObject({ exitCode: 0, stdout: '0\n' })
      await container.stop()
      expect(await container.wait()).toMatchObject({ exitCode: 7 })
      await place.clear(runtime)
    })
    await place.quiet()
    await place.expectClean()
  })
})

describe('what an ordinary user has', () => {
  it('is told', async () => {
    await place.with(async (runtime) => {
      const { rootless, storage } = await runtime.info()
      expect(rootless).toMatchObject({
        uids: [
          [0, process.geteuid?.(), 1],
          [1, expect.any(Number), expect.any(Number)],
        ],
      })
      expect(storage).toEqual({ snapshotter: 'overlay', state: 'lmdb' })
    })
  })

  it('only the ids that he was given, and who asks for another is told', async () => {
    await place.with(async (runtime) => {
      const { rootless } = await runtime.info()
      const count = rootless ? rootless.uids.reduce((sum, [, , ids]) => sum + ids, 0) : 0
      const run = (options: object) => runtime.containers.run({ image, network: 'none', command: ['id', '-u'], ...options })
      expect((await run({ user: String(count - 1) })).stdout).toBe(`${count - 1}\n`)
      for (const [options, path] of [
        [{ user: String(count) }, 'user'],
        [{ groups: [String(2 ** 31 - 2)] }, 'groups'],
      ] as const)
        expect(await failure(run(options))).toMatchObject({
          code: 'invalid-argument',
          details: { path },
          hint: expect.stringContaining('/etc/sub'),
        })
    })
    await place.quiet()
    await place.expectClean()
  })

  it('while something of his runs the ids of its beginning, of which he is warned', async () => {
    const warnings: string[] = []
    const logger = { ...silent, warn: (text: string) => void warnings.push(text) }
    await place.with(async (runtime) => {
      const told = await runtime.info()
      await place.with(async () => {}, { logger })
      expect(warnings).toEqual([])
      // As if /etc/subuid had been another one then.
      const file = join(place.runRoot, 'namespaces.json')
      const uids = [
        [0, process.geteuid?.(), 1],
        [1, 500_000, 1000],
      ]
      await writeFile(file, JSON.stringify({ ...(await agreement()), mappings: { ...told.rootless, uids } }))
      await place.with(async (other) => expect((await other.info()).rootless).toMatchObject({ uids }), { logger })
      expect(warnings).toEqual([expect.stringMatching(/subuid/)])
    })
  })

  it('files of all ids, which go with the container', async () => {
    await place.with(async (runtime) => {
      const container = await runtime.containers.create({ ...place.container, command: ['sleep', '600'] })
      await container.start()
      const script = 'mkdir -m 700 /home/own && echo secret > /home/own/file && chmod 600 /home/own/file && stat -c %u /home/own/file'
      await container.exec(['chown', 'guest', '/home'])
      expect(await container.exec(['sh', '-c', script], { user: 'guest' })).toMatchObject({ exitCode: 0, stdout: '1000\n' })
      // Where accounts may only be read by those inside, they are found all the same.
      await container.exec(['sh', '-c', 'chown -R guest /etc && chmod 700 /etc && chmod 600 /etc/passwd'])
      expect(await container.exec(['id', '-un'], { user: 'root' })).toMatchObject({ exitCode: 0, stdout: 'root\n' })
      await container.remove({ force: true })
    })
    await place.expectClean()
  })

  it('no limits without cgroups, and is told what to do', async () => {
    await place.with(async (runtime) => {
      const { cgroups } = await runtime.info()
      if (cgroups.mode === 'v2' && cgroups.manager === 'systemd') return
      for (const limit of [{ memoryBytes: 100_000_000 }, { cpus: 1 }, { pidsLimit: 10 }, { cgroupParent: '/mine' }]) {
        const error = await failure(runtime.containers.create({ ...place.container, image, ...limit }))
        expect(error).toMatchObject({
          code: 'unsupported',
          details: { what: Object.keys(limit)[0] },
          hint: expect.stringMatching(/Leave it out/),
        })
      }
    })
  })
})
