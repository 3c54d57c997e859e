import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Runtime, type RuntimeOptions } from 'libpod-ts'
import { openFileStore } from 'libpod-ts/state/file'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runModule } from '../support/child.ts'
import { failure } from '../support/results.ts'

let place: string
// Of this process: as another user, the same tests may run beside it.
const elsewhere = join(tmpdir(), `libpod-ts-elsewhere-${process.pid}`)

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
})
afterAll(() => rm(place, { recursive: true, force: true }))

const at = (name: string, more: RuntimeOptions = {}): RuntimeOptions => ({
  root: join(place, name, 'root'),
  runRoot: join(place, name, 'run'),
  ...more,
})

describe('a root that was made with other settings', () => {
  it.each<[string, RuntimeOptions, RuntimeOptions, string]>([
    ['snapshotter', { images: { snapshotter: 'overlay' } }, { images: { snapshotter: 'vfs' } }, 'snapshotter'],
    ['run root', {}, { runRoot: join(elsewhere, 'run') }, 'runRoot'],
    ['state store', { state: 'lmdb' }, { state: 'file' }, 'state'],
    ['state store of its own', { state: 'file' }, { state: 'lmdb' }, 'state'],
  ])('is refused another %s', async (name, first, second, what) => {
    await (await Runtime.open(at(name, first))).close()
    const error = await failure(Runtime.open(at(name, second)))
    expect(error).toMatchObject({ code: 'conflict', details: { what } })
    expect(error.hint).toMatch(/another root/)
    await using again = await Runtime.open(at(name, first))
    expect(await again.containers.list()).toEqual([])
    await rm(elsewhere, { recursive: true, force: true })
  })

  it('is refused when a newer version made it', async () => {
    const options = at('newer', { state: 'file' })
    const store = await openFileStore({ directory: join(options.root ?? '', 'state') })
    await store.commit({ checks: [], puts: [{ key: 'root', value: { format: 99, settings: {} } }], deletes: [] })
    await store.close()
    const error = await failure(Runtime.open(options))
    expect(error).toMatchObject({ code: 'unsupported', details: { what: 'root format 99' } })
    expect(error.hint).toMatch(/Update/)
  })
})

describe('a run root', () => {
  const shared = (name: string): RuntimeOptions => at(name, { runRoot: join(place, 'shared') })

  it('is that of one root, also when that is closed', async () => {
    const first = await Runtime.open(shared('first'))
    const refusal = {
      code: 'conflict',
      details: { what: join(place, 'shared') },
      message: expect.stringMatching(/first\/root.*second\/root/),
      hint: expect.stringMatching(/runRoot of its own/),
    }
    expect(await failure(Runtime.open(shared('second')))).toMatchObject(refusal)
    await first.close()
    expect(await failure(Runtime.open(shared('second')))).toMatchObject(refusal)
    await (await Runtime.open(shared('first'))).close()
    // Nor is the other root bound to it.
    await (await Runtime.open(at('second'))).close()
  })

  it('is not claimed for a root that has another', async () => {
    await (await Runtime.open(at('bound'))).close()
    const other = { runRoot: join(place, 'unclaimed') }
    expect(await failure(Runtime.open(at('bound', other)))).toMatchObject({ code: 'conflict', details: { what: 'runRoot' } })
    await (await Runtime.open(at('unbound', other))).close()
  })

  it('is claimed by several engines of a new root at once', async () => {
    const engines = await Promise.all([1, 2, 3, 4].map(() => Runtime.open(at('at-once'))))
    for (const engine of engines) await engine.close()
  })

  it('is claimed again where the file that names the root is torn', async () => {
    await (await Runtime.open(at('torn'))).close()
    const file = join(place, 'torn', 'run', 'root.json')
    for (const text of ['', '{"root":', 'null']) {
      await writeFile(file, text)
      await (await Runtime.open(at('torn'))).close()
      expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ root: join(place, 'torn', 'root') })
    }
  })
})

describe('a place with several names', () => {
  it('is one place', async () => {
    const [link, root, runRoot] = [join(place, 'link'), join(place, 'names', 'root'), join(place, 'names', 'run')]
    await (await Runtime.open({ root, runRoot: `${runRoot}/` })).close()
    await symlink(join(place, 'names'), link)
    for (const options of [
      { root: `${root}/`, runRoot },
      { root: join(link, 'root'), runRoot: `${link}/./run//` },
    ]) {
      await using runtime = await Runtime.open(options)
      expect(await runtime.info()).toMatchObject({ root, runRoot })
    }
  })

  it.each([
    ['root', (root: string) => root],
    ['root with a slash', (root: string) => `${root}/`],
    ['root in another way', (root: string) => `${root}/../root`],
    ['root by a link', (root: string) => `${root}-link`],
    ['place in the root', (root: string) => join(root, 'storage')],
    ['place in the root by a link', (root: string) => join(`${root}-link`, 'run')],
    ['place above the root', (root: string) => join(root, '..')],
  ])('is no run root: the %s', async (name, runRootOf) => {
    const root = join(place, `nested ${name}`, 'root')
    await mkdir(root, { recursive: true, mode: 0o700 })
    await symlink(root, `${root}-link`)
    const error = await failure(Runtime.open({ root, runRoot: runRootOf(root) }))
    expect(error).toMatchObject({ code: 'invalid-argument', details: { path: 'runRoot' }, hint: expect.stringMatching(/of its own/) })
  })
})

describe('a place of another program', () => {
  it.each([
    ['root', 'root/volumes/precious/_data'],
    ['root', `root/containers/${'ab'.repeat(32)}`],
    ['runRoot', `run/containers/${'ab'.repeat(32)}`],
  ])('is no %s: %s stays', async (option, path) => {
    const options = at(`foreign ${path.replaceAll('/', ' ')}`)
    const folder = join(options.root ?? '', '..', path)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(folder, 'file'), '')
    const what = option === 'root' ? options.root : options.runRoot
    expect(await failure(Runtime.open(options))).toMatchObject({
      code: 'conflict',
      details: { what },
      message: expect.stringContaining(option),
      hint: expect.stringMatching(/of its own/),
    })
    expect(await readdir(folder)).toEqual(['file'])
  })

  it('is not a disk that was mounted for its volumes', async () => {
    const options = at('of a disk')
    await mkdir(join(options.root ?? '', 'volumes', 'lost+found'), { recursive: true, mode: 0o700 })
    await (await Runtime.open(options)).close()
  })
})

describe('a place that cannot be used', () => {
  it('is told with its path', async () => {
    const file = join(place, 'file')
    await writeFile(file, '')
    const before = await readdir(place)
    const cases: [RuntimeOptions, string, string][] = [
      [{ root: join(file, 'root'), runRoot: join(place, 'x') }, 'invalid-argument', file],
      [{ root: file, runRoot: join(place, 'x') }, 'invalid-argument', file],
      [{ root: join(place, 'y', 'root'), runRoot: join(file, 'run') }, 'invalid-argument', file],
      [{ root: '/proc/libpod-ts', runRoot: join(place, 'x') }, 'invalid-argument', '/proc/libpod-ts'],
      [{ root: join(place, 'n'.repeat(300)), runRoot: join(place, 'x') }, 'invalid-argument', 'nnn'],
    ]
    for (const [options, code, path] of cases) {
      const error = await failure(Runtime.open(options))
      expect(error.code).toBe(code)
      expect(error.message).toContain(path)
      expect(error.hint).toBeDefined()
    }
    expect(await readdir(place)).toEqual(before)
  })

  it('is told when it is read-only', async () => {
    const readOnly = join(place, 'read-only')
    await mkdir(readOnly)
    const { stdout } = await runModule(
      `import { Runtime } from 'libpod-ts'
       await Runtime.open({ root: ${JSON.stringify(join(readOnly, 'root'))}, runRoot: ${JSON.stringify(join(place, 'x'))} }).catch(({ code, details, hint }) => console.log(JSON.stringify({ code, details, hint })))`,
      { setup: `mount -t tmpfs -o ro tmpfs ${readOnly}` },
    )
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'permission-denied',
      details: { what: expect.stringContaining(readOnly) },
      hint: expect.stringMatching(/writable|place/),
    })
  })
})

describe('a place that somebody else may write to', () => {
  it.each(['root', 'runRoot'] as const)('is refused as %s', async (option) => {
    const folder = join(place, `open-${option}`)
    await mkdir(folder)
    await chmod(folder, 0o777)
    const error = await failure(Runtime.open(at(`open-to-all-${option}`, { [option]: folder })))
    expect(error).toMatchObject({ code: 'permission-denied', details: { what: folder }, hint: expect.stringContaining('go-w') })
    expect(await readdir(folder)).toEqual([])
    await chmod(folder, 0o700)
    await (await Runtime.open(at(`open-to-all-${option}`, { [option]: folder }))).close()
  })
})

describe('bad options', () => {
  it.each<[string, unknown, string]>([
    ['a relative root', { root: 'here' }, 'root'],
    ['a relative run root', { runRoot: './run' }, 'runRoot'],
    ['no text', { root: 7 }, 'root'],
    ['a NUL byte', { root: '/tmp/a\0b' }, 'root'],
    ['a colon', { root: '/tmp/a:b' }, 'root'],
    ['one folder for both', { root: '/tmp/x', runRoot: '/tmp/x' }, 'runRoot'],
    ['an unknown option', { rot: '/tmp' }, 'rot'],
    ['an unknown store', { state: 'sqlite' }, 'state'],
    ['a store without open', { state: { name: 'x' } }, 'state'],
    ['a store without a name', { state: { name: 5, open() {} } }, 'state'],
    ['a store whose name is a path', { state: { name: '../x', open() {} } }, 'state'],
    ['a relative program', { oci: { runtimes: { runc: 'runc' } } }, 'oci.runtimes.runc'],
    ['an unknown part', { oci: { engine: 'crun' } }, 'oci.engine'],
    ['an unknown snapshotter', { images: { snapshotter: 'zfs' } }, 'images.snapshotter'],
    ['an unknown manager', { oci: { cgroupManager: 'none' } }, 'oci.cgroupManager'],
    ['half a logger', { logger: { warn() {} } }, 'logger'],
    ['no flag', { serve: 'yes' }, 'serve'],
    ['no signal', { signal: {} }, 'signal'],
  ])('%s', async (_name, options, path) => {
    expect(await failure(Runtime.open(options as RuntimeOptions))).toMatchObject({ code: 'invalid-argument', details: { path } })
  })

  it('null', async () => {
    expect((await failure(Runtime.open(null as never))).code).toBe('invalid-argument')
  })

  it('an abort before it began', async () => {
    const reason = new Error('no')
    const options = at('aborted')
    await expect(Runtime.open({ ...options, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(await readdir(place)).not.toContain('aborted')
  })
})

describe('a missing program', () => {
  const attempt = async (
    options: RuntimeOptions,
    setup?: string,
    work = `const container = await runtime.containers.create({ rootfs, command: ['true'], network: 'none' })
         try { await container.start() } finally { await container.remove({ force: true }) }`,
  ): Promise<{ code: string; details: unknown; hint: string; message: string }> => {
    const name = `missing-${Math.random().toString(36).slice(2)}`
    const { stdout, stderr } = await runModule(
      `import { Runtime } from 'libpod-ts'
       import { mkdirSync } from 'node:fs'
       const runtime = await Runtime.open(${JSON.stringify(at(name, options))})
       const tell = ({ code, details, hint, message }) => console.log(JSON.stringify({ code, details, hint, message }))
       const rootfs = ${JSON.stringify(join(place, name, 'rootfs'))}
       mkdirSync(rootfs)
       try {
         ${work}
         console.log('{}')
       } catch (error) { tell(error) }
       const left = [...await runtime.containers.list(), ...await runtime.pods.list()]
       if (left.length > 0) console.log('left behind:', left)
       await runtime.close()`,
      setup === undefined ? {} : { setup },
    )
    if (stdout === '') throw new Error(stderr)
    return JSON.parse(stdout)
  }
  const hide = (...programs: string[]): string =>
    programs.map((path) => `if [ -e ${path} ]; then mount --bind /dev/null ${path}; fi`).join('\n')

  it('is named, with how to install it: conmon', async () => {
    const error = await attempt({}, hide('/usr/bin/conmon', '/usr/local/bin/conmon', '/usr/libexec/podman/conmon'))
    expect(error).toMatchObject({ code: 'unavailable', details: { what: 'conmon', install: expect.stringContaining('apt-get') } })
    expect(error.hint).toMatch(/install/)
  })

  it('is named, with how to install it: netavark', async () => {
    const hidden = hide('/usr/lib/podman/netavark', '/usr/libexec/podman/netavark', '/usr/bin/netavark')
    expect(await attempt({}, hidden, `await runtime.networks.create({ name: 'mine' })`)).toMatchObject({
      code: 'unavailable',
      details: { what: 'netavark' },
      hint: expect.stringMatching(/install/i),
    })
  })

  it('is named, with how to install it: catatonit', async () => {
    const hidden = hide(
      '/usr/libexec/podman/catatonit',
      '/usr/lib/podman/catatonit',
      '/usr/libexec/catatonit/catatonit',
      '/usr/bin/catatonit',
    )
    const missing = { code: 'unavailable', details: { what: 'catatonit' }, hint: expect.stringMatching(/install/i) }
    expect(await attempt({}, hidden, `await runtime.pods.create({ network: 'none' })`)).toMatchObject(missing)
    const work = `const container = await runtime.containers.create({ rootfs, command: ['true'], network: 'none', init: true })
         try { await container.start() } finally { await container.remove() }`
    expect(await attempt({}, hidden, work)).toMatchObject(missing)
  })

  it('is named: every OCI runtime', async () => {
    const error = await attempt({}, hide('/usr/bin/crun', '/usr/bin/runc', '/usr/sbin/runc', '/usr/local/bin/crun'))
    expect(error).toMatchObject({ code: 'unavailable', details: { install: expect.stringContaining('runc') } })
    expect(error.message).toMatch(/crun: .*not installed.*runc: .*not installed/)
  })

  it('is named: the one that was asked for', async () => {
    expect(await attempt({ monitor: { conmonPath: '/nowhere/conmon' } })).toMatchObject({
      code: 'unavailable',
      details: { what: '/nowhere/conmon' },
      hint: expect.stringContaining('conmonPath'),
    })
    expect(await attempt({ oci: { runtime: 'youki' } })).toMatchObject({ code: 'unavailable', details: { what: 'youki' } })
    expect(await attempt({ oci: { seccompProfile: '/nowhere/seccomp.json' } })).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('/nowhere/seccomp.json'),
    })
    expect(await attempt({ helpersDir: '/nowhere' }).catch((error: Error) => error.message)).toContain('helpersDir')
  })

  it('is refused, and not waited for: a containers.conf that is a fifo', async () => {
    const fifo = join(place, 'containers.conf')
    execFileSync('mkfifo', [fifo])
    const { stdout, exitCode } = await runModule(
      `import { Runtime } from 'libpod-ts'
       await Runtime.open(${JSON.stringify(at('fifo'))}).catch(({ code, details }) => console.log(JSON.stringify({ code, details })))`,
      { env: { CONTAINERS_CONF: fifo } },
    )
    expect(JSON.parse(stdout)).toEqual({ code: 'invalid-argument', details: { path: fifo } })
    expect(exitCode).toBe(0)
  })

  it('is passed over: an OCI runtime that is no program', async () => {
    const text = join(place, 'text')
    await writeFile(text, 'neither a script nor a program\n', { mode: 0o755 })
    const info = `const { oci } = await runtime.info()
         throw { code: oci.name, details: oci.passedOver }`
    expect(await attempt({ oci: { runtimes: { crun: text } } }, undefined, info)).toEqual({
      code: 'runc',
      details: [{ name: 'crun', reason: `${text} cannot be run (ENOEXEC)` }],
    })
    expect(await attempt({ oci: { runtime: 'crun', runtimes: { crun: text } } })).toMatchObject({ code: 'unavailable' })
  })

  it('is named: a conmon that is no program', async () => {
    const text = join(place, 'no-conmon')
    await writeFile(text, 'neither a script nor a program\n', { mode: 0o755 })
    const refusal = { code: 'unavailable', details: { what: 'conmon' }, hint: expect.stringContaining('conmonPath') }
    expect(await attempt({ monitor: { conmonPath: text } })).toMatchObject(refusal)
    expect(await attempt({ monitor: { conmonPath: text } }, undefined, 'await runtime.info()')).toMatchObject(refusal)
  })

  it('is told at the option: a seccomp profile that is none, and only to containers that need it', async () => {
    expect(await attempt({ oci: { seccompProfile: '/tmp' } })).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'oci.seccompProfile', value: '/tmp' },
    })
    const unconfined = `const container = await runtime.containers.create(
           { rootfs, command: ['true'], network: 'none', security: { seccomp: 'unconfined' } })
         await container.remove()`
    expect(await attempt({ oci: { seccompProfile: '/tmp' } }, undefined, unconfined)).toEqual({})
  })

  it('is none when only PATH is empty', async () => {
    const { stdout } = await runModule(
      `import { Runtime } from 'libpod-ts'
       const runtime = await Runtime.open(${JSON.stringify(at('no-path'))})
       const { oci, monitor } = await runtime.info()
       console.log(oci.path, monitor.path)
       await runtime.close()`,
      { env: { PATH: '' } },
    )
    expect(stdout).toMatch(/^\/\S+c?run\S* \/\S+conmon\n$/)
  })
})

describe('a host that is not Linux', () => {
  it('can import everything, and is told at open', async () => {
    const { stdout, exitCode } = await runModule(
      `Object.defineProperty(process, 'platform', { value: 'darwin' })
       const { Runtime, LibpodError, errorStatus } = await import('libpod-ts')
       await import('libpod-ts/testing')
       console.log(typeof LibpodError, typeof errorStatus)
       await Runtime.open().catch(({ code, details, hint }) => console.log(JSON.stringify({ code, details, hint })))`,
    )
    expect(exitCode).toBe(0)
    const [types, error = ''] = stdout.trim().split('\n')
    expect(types).toBe('function object')
    expect(JSON.parse(error)).toMatchObject({ code: 'unsupported', details: { what: 'darwin' }, hint: expect.stringContaining('Linux') })
  })
})
