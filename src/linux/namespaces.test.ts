import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { mountsBelow, readMountsSync } from './mount-info.ts'
import { openNamespace } from './namespaces.ts'
import { namespaceId } from './proc.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-ns-'))
afterAll(() => rmSync(directory, { recursive: true }))

const rooms = ['namespaces', 'mounts', 'mount-info', 'proc'].map((name) => new URL(`./${name}.ts`, import.meta.url).href)

/** Runs a script as a helper process would run: on its own main thread. */
function run(body: string, wrap: readonly string[] = []): { out: unknown; stderr: string; signal: string | null } {
  const script = `
    import { inNamespace, inNewMountNamespace, openNamespace, prepareNamespaces } from ${JSON.stringify(rooms[0])}
    import { mount } from ${JSON.stringify(rooms[1])}
    import { readMounts, readMountsSync, mountsBelow } from ${JSON.stringify(rooms[2])}
    import { namespaceId } from ${JSON.stringify(rooms[3])}
    import { spawn, spawnSync, execFileSync } from 'node:child_process'
    import { once } from 'node:events'
    import fs from 'node:fs'
    const directory = ${JSON.stringify(directory)}
    const tmpfs = () => mount({ type: 'tmpfs', source: 'mark', target: directory, options: [] })
    const marked = (mounts) => mounts.some((mount) => mount.mountPoint === directory)
    const show = (value) => fs.writeSync(1, JSON.stringify(value))
    await prepareNamespaces()
    ${body}`
  const [file = '', ...args] = [...wrap, process.execPath, '--import', 'tsx', '--input-type=module', '-e', script]
  const { stdout, stderr, signal } = spawnSync(file, args, { encoding: 'utf8' })
  return { out: stdout === '' ? undefined : JSON.parse(stdout), stderr, signal }
}

test('programs that are spawned there stay there, and the process comes back', () => {
  const { out, stderr } = run(`
    const [home, cwd] = [namespaceId('self', 'mnt'), process.cwd()]
    const child = inNewMountNamespace(() => {
      tmpfs()
      return spawn('sleep', ['100'], { cwd: directory })
    })
    const result = {
      back: namespaceId('self', 'mnt') === home,
      main: namespaceId(process.pid, 'mnt') === home,
      cwd: process.cwd() === cwd && fs.readdirSync('.').includes('package.json'),
      childAway: namespaceId(child.pid, 'mnt') !== home,
      childSees: marked(readMountsSync(child.pid)),
      weSee: marked(readMountsSync()),
      poolSees: marked(await readMounts()),
      later: spawnSync('cat', ['/proc/self/mountinfo']).stdout.toString().includes(directory),
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    show(result)`)
  expect(stderr).toBe('')
  expect(out).toEqual({
    back: true,
    main: true,
    cwd: true,
    childAway: true,
    childSees: true,
    weSee: false,
    poolSees: false,
    later: false,
  })
  expect(mountsBelow(readMountsSync(), directory)).toEqual([])
})

test('mounts made outside still come in, those made inside never go out, even where / is shared', () => {
  const { out, stderr } = run(
    `
    const child = inNewMountNamespace(() => spawn('sleep', ['100']))
    tmpfs()
    const comesIn = marked(readMountsSync(child.pid))
    spawnSync('nsenter', ['-t', String(child.pid), '-m', 'mount', '-t', 'tmpfs', 'inner', '/mnt'])
    const goesOut = readMountsSync().some(({ source }) => source === 'inner')
    const made = readMountsSync(child.pid).some(({ source }) => source === 'inner')
    child.kill('SIGKILL')
    await once(child, 'exit')
    show({ comesIn, goesOut, made })`,
    ['unshare', '-m', '--propagation', 'shared'],
  )
  expect(stderr).toBe('')
  expect(out).toEqual({ comesIn: true, goesOut: false, made: true })
})

test('work that throws, and work that is asynchronous, leave nothing behind', () => {
  const { out, stderr } = run(`
    const home = namespaceId('self', 'mnt')
    const errors = []
    const before = fs.readdirSync('/proc/self/fd').length
    for (const work of [() => { tmpfs(); throw new Error('mine') }, () => Promise.resolve(1), async () => { throw new Error('later') }])
      try { inNewMountNamespace(work) } catch (error) { errors.push(error.code ?? error.message) }
    show({ errors, home: namespaceId('self', 'mnt') === home, sees: marked(readMountsSync()), fds: fs.readdirSync('/proc/self/fd').length - before })`)
  expect(stderr).toBe('')
  expect(out).toEqual({ errors: ['mine', 'internal', 'internal'], home: true, sees: false, fds: 0 })
})

test('comes back again and again, also when threads are started meanwhile', () => {
  const { out, stderr } = run(`
    import { Worker } from 'node:worker_threads'
    const home = namespaceId('self', 'mnt')
    const workers = []
    for (let round = 0; round < 20; round++)
      inNewMountNamespace(() => { tmpfs(); if (round % 10 === 0) workers.push(new Worker('setInterval(() => {}, 1000)', { eval: true })) })
    show({ home: namespaceId('self', 'mnt') === home, sees: marked(readMountsSync()) })
    process.exit()`)
  expect(stderr).toBe('')
  expect(out).toEqual({ home: true, sees: false })
})

test('inside a chroot the process comes back to its own root', () => {
  const { out, stderr } = run(
    `
    const before = fs.statSync('/').ino
    inNewMountNamespace(() => {})
    show({ same: fs.statSync('/').ino === before, marker: fs.existsSync('/bin/sh') })`,
    // A bind mount of / is another root directory than the namespace's own.
    [
      'unshare',
      '-m',
      'sh',
      '-c',
      `mount --rbind / ${directory} && cd ${process.cwd()} && exec chroot ${directory} sh -c 'cd ${process.cwd()} && exec "$@"' "$@"`,
      'x',
      'x',
    ],
  )
  expect(stderr).toBe('')
  expect(out).toEqual({ same: true, marker: true })
})

test('a process that cannot come back ends', () => {
  const { out, stderr, signal } = run(`
    inNewMountNamespace(() => {
      // The descriptor of the way back is the lowest of the three that were opened.
      for (const fd of fs.readdirSync('/proc/self/fd')) try { if (/^mnt:/.test(fs.readlinkSync('/proc/self/fd/' + fd))) fs.closeSync(Number(fd)) } catch {}
    })
    show('still here')`)
  expect({ out, signal }).toEqual({ out: undefined, signal: 'SIGKILL' })
  expect(stderr).toContain('cannot return to the mnt namespace')
})

test('a namespace that is open can be entered', () => {
  const { out, stderr } = run(`
    const child = spawn('unshare', ['--net', '--uts', 'sh', '-c', 'hostname inner; echo ready; exec sleep 100'])
    await once(child.stdout, 'data')
    const [net, uts] = [openNamespace(child.pid, 'net'), openNamespace(child.pid, 'uts')]
    const seen = [
      inNamespace('net', net, () => fs.readFileSync('/proc/thread-self/net/dev', 'utf8').trim().split('\\n').length - 2),
      inNamespace('uts', uts, () => execFileSync('hostname').toString().trim()),
    ]
    child.kill('SIGKILL')
    show({ seen, home: execFileSync('hostname').toString().trim() !== 'inner' })`)
  expect(stderr).toBe('')
  expect(out).toEqual({ seen: [expect.any(Number), 'inner'], home: true })
})

test('namespaces are told apart, and those of no process are not found', () => {
  expect(namespaceId('self', 'mnt')).toBe(namespaceId(process.pid, 'mnt'))
  expect(namespaceId(0x3fffff, 'mnt')).toBeUndefined()
  const fd = openNamespace('self', 'net')
  closeSync(fd)
  expect(() => openNamespace(0x3fffff, 'net')).toThrow(expect.objectContaining({ code: 'not-found' }))
})
