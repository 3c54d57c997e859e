import { chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { ContainerMount, RunOptions } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { created, sh } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'
import { imageWith, makeRootfs } from '../support/rootfs.ts'

const engine = useEngine()
const tools = 'localhost/tools:latest'
const hostile = 'localhost/hostile:latest'
/** A folder of the host that nobody may touch, and one that is shown. */
let outside: string
let shown: string
let exploded: string

/** Links that lead out of the root file system, if somebody follows them on the host. */
async function plantLinks(root: string): Promise<void> {
  const up = '../'.repeat(20)
  await mkdir(join(root, 'deep'))
  // What they lead to when they stay inside.
  await mkdir(join(root, outside), { recursive: true })
  await symlink(outside, join(root, 'absolute'))
  await symlink(`${up}${outside}`, join(root, 'relative'))
  await symlink('/absolute', join(root, 'chained'))
  await symlink(`${up}${outside}/below`, join(root, 'deep/link'))
  await symlink('/proc/self/root', join(root, 'magic'))
}

const targets = ['/absolute/new', '/relative', '/chained', '/deep/link', '/magic/tmp/x', '/../../escaped']

beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'libpod-ts-outside-'))
  shown = await mkdtemp(join(tmpdir(), 'libpod-ts-shown-'))
  await writeFile(join(outside, 'secret'), 'of the host')
  await writeFile(join(shown, 'file'), 'shown')
  await imageWith(engine, tools, [], async (root) => {
    await mkdir(join(root, 'tool'))
    await writeFile(join(root, 'tool/name'), 'hammer\n')
  })
  await imageWith(engine, hostile, [], plantLinks)
  exploded = await makeRootfs()
  await plantLinks(exploded)
})

afterAll(async () => {
  for (const path of [outside, shown, exploded]) await rm(path, { recursive: true, force: true })
})

const run = async (script: string, mounts: readonly ContainerMount[], options: Partial<RunOptions> = {}): Promise<string> => {
  const fixed = { command: sh(script), network: 'none', security: { seccomp: 'unconfined' }, mounts } as const
  const { stdout, stderr } = await engine.runtime.containers.run({ ...fixed, ...('rootfs' in options ? {} : { image }), ...options })
  return stdout + stderr
}

describe('a hostile root file system', () => {
  const kinds: Readonly<Record<ContainerMount['type'], (target: string) => ContainerMount>> = {
    bind: (target) => ({ type: 'bind', source: shown, target }),
    tmpfs: (target) => ({ type: 'tmpfs', target }),
    volume: (target) => ({ type: 'volume', target }),
    image: (target) => ({ type: 'image', source: tools, target }),
  }

  it.each(Object.entries(kinds))('leads no %s mount out', async (type, mountAt) => {
    for (const from of [{ image: hostile }, { rootfs: exploded }]) {
      const before = await look()
      for (const target of targets) {
        const options = { command: ['sh', '-c', 'echo ran; touch /absolute/touched /relative/touched; true'], network: 'none' } as const
        // The runtime may refuse such a target; what it must not do is to follow it on the host.
        const { stdout } = await engine.runtime.containers
          .run({ ...from, ...options, security: { seccomp: 'unconfined' }, mounts: [mountAt(target)] })
          .catch((error: { code?: string }) => {
            expect(error.code, `${type} at ${target}`).toBe('command-failed')
            return { stdout: 'ran\n' }
          })
        expect(stdout).toBe('ran\n')
        expect(await look(), `${type} at ${target}`).toEqual(before)
      }
    }
    expect(await engine.runtime.volumes.list()).toEqual([])
  })

  it('is seen where the links lead inside of it', async () => {
    expect(await run(`cat ${outside}/file`, [{ type: 'bind', source: shown, target: '/absolute' }], { image: hostile })).toBe('shown')
    expect(await run('cat /chained/tool/name', [kinds.image('/relative')], { image: hostile })).toBe('hammer\n')
  })

  /** What is outside, and that nothing is mounted there. */
  async function look(): Promise<unknown> {
    const mounts = await readFile('/proc/self/mountinfo', 'utf8')
    return {
      names: await readdir(outside),
      secret: await readFile(join(outside, 'secret'), 'utf8'),
      changed: (await stat(outside)).mtimeMs,
      escaped: await lstat('/escaped').catch(() => 'none'),
      mounted: mounts.split('\n').filter((line) => line.includes(outside)),
    }
  }
})

describe('image mounts', () => {
  const at = (target: string, more: object = {}): ContainerMount => ({ type: 'image', source: tools, target, ...more })

  it('show the root file system of an image, which nobody can write to', async () => {
    expect(await run('cat /t/tool/name; touch /t/x', [at('/t')])).toMatch(/^hammer\n.*Read-only/)
    const container = await created(engine, ['true'], { mounts: [at('/t')] })
    expect((await container.inspect()).mounts).toMatchObject([{ type: 'image', source: tools, target: '/t', rw: false }])
    const { id } = await engine.runtime.images.get(tools)
    const error = await failure(engine.runtime.images.ref(id).remove())
    expect(error).toMatchObject({ code: 'in-use', details: { users: [`container/${container.id}`] } })
    await container.remove()
  })

  it('with readOnly: false keep what is written with the container, and away from the image', async () => {
    const container = await created(engine, sh('cat /t/new; echo x >> /t/new; rm /t/tool/name'), {
      mounts: [at('/t', { readOnly: false })],
    })
    for (const wanted of ['', 'x\n']) {
      await container.start()
      await container.wait()
      const lines: string[] = []
      for await (const { line, stream } of container.logs()) if (stream === 'stdout') lines.push(`${line}\n`)
      expect(lines.join('')).toBe(wanted)
    }
    expect(await run('cat /t/tool/name; ls /t/new', [at('/t')])).toMatch(/^hammer\n.*No such file/)
    await container.remove()
  })

  it('two of one image, from an exploded root file system', async () => {
    const mounts = [at('/one'), at('/two', { readOnly: false })]
    expect(
      await run('cat /one/tool/name; echo saw > /two/tool/name; cat /one/tool/name /two/tool/name', mounts, { rootfs: exploded }),
    ).toBe('hammer\nhammer\nsaw\n')
  })

  it('of what is not there are refused', async () => {
    expect(await failure(run('true', [{ type: 'image', source: 'localhost/nowhere', target: '/t' }]))).toMatchObject({ code: 'not-found' })
    expect(await engine.runtime.containers.list()).toEqual([])
  })
})

describe('bind mounts', () => {
  it('make their source when that is asked for', async () => {
    const source = join(shown, 'made/below')
    expect(await run('touch /b/here', [{ type: 'bind', source, target: '/b', create: true }])).toBe('')
    expect(await readdir(source)).toEqual(['here'])
    const file = await failure(run('true', [{ type: 'bind', source: join(shown, 'file/below'), target: '/b', create: true }]))
    expect(file).toMatchObject({ code: 'invalid-argument', details: { path: 'mounts[0].source' } })
  })

  it('U gives the source to the container’s user; z and Z mean nothing without SELinux', async () => {
    const source = join(shown, 'owned')
    await mkdir(join(source, 'below'), { recursive: true })
    await symlink('/etc/passwd', join(source, 'link'))
    await chown(source, 5, 5)
    const mounts: ContainerMount[] = [{ type: 'bind', source, target: '/b', options: ['U', 'z'] }]
    expect(await run('stat -c %u:%g /b /b/below /b/link', mounts, { user: '1234:56' })).toBe('1234:56\n1234:56\n1234:56\n')
    expect((await stat('/etc/passwd')).uid).toBe(0)
  })

  it('U gives what a link leads to, and not the link', async () => {
    const source = join(shown, 'led-to')
    await mkdir(source)
    const link = join(shown, 'leads')
    await symlink(source, link)
    const before = await lstat(link)
    const mounts: ContainerMount[] = [{ type: 'bind', source: link, target: '/b', options: ['U'] }]
    expect(await run('stat -c %u:%g /b', mounts, { user: '1234:56' })).toBe('1234:56\n')
    expect((await lstat(link)).uid).toBe(before.uid)
  })

  it('U does not give the engine’s own places away, nor what is around them', async () => {
    for (const source of [engine.root, dirname(engine.root)]) {
      const error = await failure(run('true', [{ type: 'bind', source, target: '/b', options: ['ro', 'U'] }], { user: '0:0' }))
      expect(error).toMatchObject({
        code: 'invalid-argument',
        details: { path: 'mounts[0].options', value: source },
        hint: expect.stringMatching(/./),
      })
    }
    expect(await engine.runtime.containers.list()).toEqual([])
  })

  it('tmpfs shows what the image has, unless it shall not', async () => {
    const at = (options: readonly string[]): ContainerMount[] => [{ type: 'tmpfs', target: '/etc', options }]
    expect(await run('test -s /etc/passwd && echo there', at([]))).toBe('there\n')
    expect(await run('test -e /etc/passwd || echo none', at(['notmpcopyup']))).toBe('none\n')
  })
})
