import { execFileSync } from 'node:child_process'
import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Runtime } from 'libpod-ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sh } from '../support/containers.ts'
import { testRuntime } from '../support/engine.ts'
import { makePlace, type Place } from '../support/place.ts'
import { failure } from '../support/results.ts'

let place: Place

beforeAll(async () => {
  place = await makePlace()
})
afterEach(async () => {
  await place.with((runtime) => place.clear(runtime))
  await place.quiet()
  await place.expectClean()
})
afterAll(() => place.remove())

const exitFiles = (): Promise<string[]> => readdir(join(place.runRoot, 'exits'))

/** Nothing turns meanwhile: neither is an end seen, nor an answer. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

describe('closing an engine', () => {
  it('ends also while containers are ending, and their ends are recorded', async () => {
    const ids: string[] = []
    for (let i = 0; i < 8; i++) {
      const runtime = await place.open()
      const container = await runtime.containers.create({ ...place.container, command: ['sleep', '60'] })
      ids.push(container.id)
      await container.start()
      await container.kill()
      await runtime.close()
    }
    await place.quiet()
    expect(await exitFiles()).toEqual([])
    await place.with(async (runtime) => {
      for (const id of ids) expect(await runtime.containers.ref(id).inspect()).toMatchObject({ state: { status: 'exited', exitCode: 137 } })
    })
  })

  it('records an end that it has not seen before', async () => {
    const runtime = await place.open()
    const container = await runtime.containers.create({ ...place.container, command: sh('sleep 0.3; exit 7') })
    await container.start()
    block(1000)
    await runtime.close()
    expect(await exitFiles()).toEqual([])
    await place.with(async (next) => {
      expect(await next.containers.ref(container.id).wait()).toMatchObject({ exitCode: 7 })
    })
  })

  it('leaves a restart that comes due with an end seen so late to the clean-up program', async () => {
    const runtime = await place.open()
    const { id } = await runtime.containers.create({
      ...place.container,
      command: sh('sleep 0.3; exit 7'),
      restart: { policy: 'on-failure', maxRetries: 1 },
    })
    await runtime.containers.ref(id).start()
    block(1000)
    await runtime.close()
    await place.quiet()
    await place.with(async (next) => {
      const container = next.containers.ref(id)
      expect(await container.wait()).toMatchObject({ exitCode: 7 })
      expect((await container.inspect()).state.restartCount).toBe(1)
    })
  })

  it('ends in spite of an exit file that nobody wants', async () => {
    const runtime = await place.open()
    const container = await runtime.containers.create({ ...place.container, command: ['true'] })
    // Its program may have ended before the start is taken back.
    for (const ms of [0, 30, 60, 90]) {
      const starting = container.start({ signal: AbortSignal.timeout(ms) }).catch(() => {})
      block(ms + 30)
      await starting
      await container.stop({ timeoutMs: 0 })
    }
    await runtime.close()
    await place.quiet()
    expect(await exitFiles()).toEqual([])
  })
})

/** Something that is under way when the engine closes: it ends with `closed`, or was ready just before. */
async function closeDuring(work: (runtime: Runtime) => Promise<unknown>, afterMs: number): Promise<string> {
  const runtime = await place.open()
  const outcome = work(runtime).then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  )
  await sleep(afterMs)
  await runtime.close()
  return outcome
}

describe('what is under way when an engine closes', () => {
  it('run() is over, and its container gone', async () => {
    const outcomes: string[] = []
    for (const ms of [0, 5, 20, 60, 160, 400])
      outcomes.push(
        await closeDuring((runtime) => runtime.containers.run({ ...place.container, name: 'run', command: ['sleep', '50'] }), ms),
      )
    expect(new Set(outcomes)).toEqual(new Set(['closed']))
    await place.with(async (runtime) => expect(await runtime.containers.list()).toEqual([]))
  })

  it('ephemeral() is taken back, or its container goes', async () => {
    for (const ms of [0, 5, 20, 60, 160]) {
      const outcome = await closeDuring((runtime) => runtime.containers.ephemeral({ ...place.container, command: ['sleep', '50'] }), ms)
      expect(['closed', 'done']).toContain(outcome)
    }
    await place.with(async (runtime) => expect(await runtime.containers.list()).toEqual([]))
  })

  it('exec() is over, its program with it, and both are told of', async () => {
    const { id } = await place.with(async (runtime) => {
      const container = await runtime.containers.create({ ...place.container, command: ['sleep', '600'] })
      await container.start()
      return container
    })
    for (const ms of [0, 20, 60, 160, 400]) {
      const closed = await closeDuring((runtime) => runtime.containers.ref(id).exec(['sleep', '50']), ms)
      expect(closed).toBe('closed')
    }
    await place.with(async (runtime) => {
      const { processes } = await runtime.containers.ref(id).top({ fields: ['args'] })
      expect(processes).toEqual([['sleep 600']])
      const told: string[] = []
      for await (const { action } of runtime.events({ since: new Date(0), until: new Date() })) told.push(action)
      const count = (what: string): number => told.filter((action) => action === what).length
      expect(count('exec')).toBeGreaterThan(0)
      expect(count('exec_died')).toBe(count('exec'))
    })
  })

  it.each([{}, { tty: true }])('spawn(%o) is taken back, or its session ended', async (options) => {
    const { id } = await place.with(async (runtime) => {
      const container = await runtime.containers.create({ ...place.container, command: ['sleep', '600'] })
      await container.start()
      return container
    })
    for (const ms of [0, 5, 20, 60, 160, 400]) {
      const outcome = await closeDuring(async (runtime) => {
        const session = await runtime.containers.ref(id).spawn(['sleep', '50'], options)
        expect((await session.wait()).exitCode).toBe(137)
      }, ms)
      expect(['closed', 'done']).toContain(outcome)
      await place.with(async (runtime) => {
        const { processes } = await runtime.containers.ref(id).top({ fields: ['args'] })
        expect(processes).toEqual([['sleep 600']])
      })
    }
  })

  it('what finished programs wrote and nobody read is let go of', async () => {
    const runtime = await place.open()
    const container = await runtime.containers.create({ ...place.container, command: ['sleep', '600'] })
    await container.start()
    const descriptors = async (): Promise<string[]> => {
      const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
      return links.filter((link) => link.startsWith('pipe:'))
    }
    await (await container.spawn(['true'])).wait()
    const before = await descriptors()
    const sessions = await Promise.all(Array.from({ length: 10 }, () => container.spawn(['echo', 'x'], { stdin: true })))
    await Promise.all(sessions.map((session) => session.wait()))
    await runtime.close()
    expect((await descriptors()).filter((link) => !before.includes(link))).toEqual([])
  })

  it('a stop goes on without it', async () => {
    const runtime = await place.open()
    const container = await runtime.containers.create({ ...place.container, command: sh('trap "" TERM; while :; do sleep 0.1; done') })
    await container.start()
    await container.waitUntil({ predicate: async () => (await container.top()).processes.length > 1 })
    const stopping = failure(container.stop({ timeoutMs: 1000 }))
    await sleep(300)
    await runtime.close()
    expect((await stopping).code).toBe('closed')
    await place.quiet()
    await place.with(async (next) => {
      expect(await next.containers.ref(container.id).inspect()).toMatchObject({ state: { status: 'exited', exitCode: 137 } })
    })
  })
})

it('nothing that nobody reads any more keeps the process alive', () => {
  const { root, runRoot } = place
  const program = `
    import { Runtime } from 'libpod-ts'
    const runtime = await Runtime.open(${JSON.stringify({ root, runRoot, oci: { runtime: testRuntime } })})
    const container = await runtime.containers.create(${JSON.stringify({ ...place.container, command: ['sleep', '600'] })})
    const events = runtime.events()[Symbol.asyncIterator]()
    const next = events.next()
    await container.start()
    await next
    const session = await container.spawn(['echo', 'x'], { tty: true })
    await session.wait()
    const ending = await container.spawn(['sleep', '600'], { tty: true })
    await container.remove({ force: true })
    await ending.wait().catch(() => {})
    await runtime.close()
    console.log('closed')`
  const args = ['--input-type=module', '--eval', program]
  const cwd = join(import.meta.dirname, '../..')
  expect(execFileSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 30_000 })).toBe('closed\n')
})
