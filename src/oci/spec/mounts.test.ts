import { expect, test } from 'vitest'
import { generated, normalized, refusal, someHost } from './spec.fixture.ts'

const of = async (options: object, host: Parameters<typeof someHost>[0] = {}, changes: Parameters<typeof generated>[2] = {}) =>
  (await generated(options, someHost(host), changes)).config.mounts ?? []
const at = async (path: string, ...args: Parameters<typeof of>) => (await of(...args)).find(({ destination }) => destination === path)

test('has what every container has, parents first', async () => {
  expect((await of({})).map(({ destination }) => destination)).toEqual([
    '/proc',
    '/dev',
    '/sys',
    '/dev/pts',
    '/dev/mqueue',
    '/etc/hosts',
    '/etc/hostname',
    '/run/.containerenv',
    '/dev/shm',
    '/sys/fs/cgroup',
  ])
})

test('completes the options of bind mounts', async () => {
  const mounts = [
    { type: 'bind', source: '/host//a/', target: '/a/b/../c' },
    { type: 'bind', source: '/b', target: '/b', readOnly: true, options: ['noexec', 'bind', 'rslave'] },
  ]
  expect(await at('/a/c', { mounts })).toEqual({
    destination: '/a/c',
    type: 'bind',
    source: '/host/a',
    options: ['rw', 'rprivate', 'rbind'],
  })
  expect((await at('/b', { mounts }))?.options).toEqual(['noexec', 'bind', 'rslave', 'ro'])
})

test('completes the options of tmpfs', async () => {
  const mounts = [
    { type: 'tmpfs', target: '/t', sizeBytes: 4096, mode: 0o1777 },
    { type: 'tmpfs', target: '/u', options: ['notmpcopyup', 'exec', 'size=1m'] },
  ]
  expect((await at('/t', { mounts }))?.options).toEqual(['size=4096', 'mode=1777', 'rw', 'rprivate', 'nosuid', 'nodev', 'tmpcopyup'])
  expect((await at('/u', { mounts }))?.options).toEqual(['exec', 'size=1m', 'rw', 'rprivate', 'nosuid', 'nodev'])
})

test('shows volumes and images as bind mounts of where they are', async () => {
  const mounts = [
    { type: 'volume', source: 'data', target: '/data', copy: false, options: ['U', 'z', 'suid'] },
    { type: 'image', source: 'tools', target: '/tools' },
  ]
  const mountSources = new Map([
    ['/data', '/volumes/data/_data'],
    ['/tools', '/run/x/mounts/0'],
  ])
  const found = await of({ mounts }, {}, { mountSources })
  expect(found.filter(({ destination }) => mountSources.has(destination))).toEqual([
    { destination: '/data', type: 'bind', source: '/volumes/data/_data', options: ['suid', 'rw', 'rprivate', 'nodev', 'rbind'] },
    { destination: '/tools', type: 'bind', source: '/run/x/mounts/0', options: ['ro', 'rprivate', 'nosuid', 'nodev', 'rbind'] },
  ])
})

test('keeps what the source’s file system forbids, unless the caller decided', async () => {
  const objects = { devices: [], bindFlags: new Map([['/m', ['noexec', 'nosuid']]]) }
  const mounts = [{ type: 'bind', source: '/m', target: '/m', options: ['suid'] }]
  expect((await at('/m', { mounts }, {}, { objects }))?.options).toEqual(['suid', 'rw', 'rprivate', 'rbind', 'noexec'])
})

test('lets the caller’s mounts take the place of the others', async () => {
  const mounts = [
    { type: 'tmpfs', target: '/dev/shm' },
    { type: 'bind', source: '/h', target: '/etc/hosts' },
    { type: 'bind', source: '/p', target: '/proc' },
  ]
  const { config, mounts: planned } = await generated({ mounts: mounts as never })
  expect(
    config.mounts?.filter(({ destination }) => ['/dev/shm', '/etc/hosts', '/proc'].includes(destination)).map(({ source }) => source),
  ).toEqual(['/p', 'tmpfs', '/h'])
  expect(planned).toEqual([])
})

test('puts .containerenv into every /run but one of the caller’s', async () => {
  expect(await at('/run/.containerenv', { mounts: [{ type: 'bind', source: '/r', target: '/run' }] })).toBeUndefined()
  expect(await at('/run/.containerenv', { mounts: [{ type: 'tmpfs', target: '/run' }] })).toBeDefined()
  const readOnly = (await of({ readOnly: true })).map(({ destination }) => destination)
  expect(readOnly.indexOf('/run/.containerenv')).toBeGreaterThan(readOnly.indexOf('/run'))
})

test('read-only: root, files and all but the usual folders in memory', async () => {
  const { config } = await generated({ readOnly: true })
  expect(config.root).toEqual({ path: '/run/x/rootfs', readonly: true })
  const tmpfs = config.mounts?.filter(({ options }) => options?.includes('tmpcopyup')).map(({ destination }) => destination)
  expect(tmpfs).toEqual(['/run', '/tmp', '/var/tmp'])
  expect(config.mounts?.find(({ destination }) => destination === '/etc/hosts')?.options).toContain('ro')
  expect(config.mounts?.find(({ destination }) => destination === '/dev/shm')?.options).not.toContain('ro')
  expect((await of({ readOnly: true, readOnlyTmpfs: false })).some(({ destination }) => destination === '/tmp')).toBe(false)
})

test('/dev/shm: in memory, of the size asked for; the host’s with its IPC namespace', async () => {
  const { config, mounts } = await generated({ shmSizeBytes: 8192 })
  expect(mounts).toEqual([
    { type: 'tmpfs', source: 'shm', target: '/run/x/shm', options: ['nosuid', 'nodev', 'noexec', 'mode=1777', 'size=8192'], mkdir: 0o700 },
  ])
  expect(config.mounts?.find(({ destination }) => destination === '/dev/shm')?.source).toBe('/run/x/shm')
  const shared = await generated({ ipc: 'host' })
  expect(shared.mounts).toEqual([])
  expect(shared.config.mounts?.find(({ destination }) => destination === '/dev/shm')?.source).toBe('/dev/shm')
})

test('sysfs and cgroups can be written to by privileged containers, cgroups also when unmasked', async () => {
  const rw = async (path: string, ...args: Parameters<typeof of>) => (await at(path, ...args))?.options?.includes('rw')
  expect([await rw('/sys', {}), await rw('/sys/fs/cgroup', {})]).toEqual([false, false])
  expect([await rw('/sys', { privileged: true }), await rw('/sys/fs/cgroup', { privileged: true })]).toEqual([true, true])
  const unmasked = { security: { unmask: ['/sys/fs/cgroup'] } }
  expect(await rw('/sys/fs/cgroup', unmasked)).toBe(true)
  expect(await rw('/sys/fs/cgroup', unmasked, { cgroupVersion: 1 })).toBe(false)
})

test('rootless: what cannot be mounted anew is the host’s', async () => {
  const options = { network: 'host', pid: 'host', ipc: 'host' }
  for (const path of ['/sys', '/proc', '/dev/mqueue'])
    expect(await at(path, options, { rootless: true })).toMatchObject({ type: 'bind', source: path })
  for (const path of ['/sys', '/proc', '/dev/mqueue']) expect((await at(path, {}, { rootless: true }))?.type).not.toBe('bind')
})

test('rootless: a device that was asked for is shown, and of all of them the terminals are not', async () => {
  const device = (source: string) => ({ source, device: { path: source, type: 'c' as const, major: 4, minor: 64 }, permissions: 'rwm' })
  const objects = { devices: [device('/dev/ttyUSB0'), device('/dev/fuse')] } as never
  const shown = async (options: object): Promise<string[]> =>
    (await of(options, { rootless: true }, { objects })).map(({ destination }) => destination).filter((path) => /tty|fuse/.test(path))
  expect(await shown({ devices: [{ source: '/dev/ttyUSB0' }, { source: '/dev/fuse' }] })).toEqual(['/dev/ttyUSB0', '/dev/fuse'])
  expect(await shown({ privileged: true })).toEqual(['/dev/fuse'])
})

test('a mount that passes changes on opens the root filesystem for them', async () => {
  const propagation = async (option: string) =>
    (await generated({ mounts: [{ type: 'bind', source: '/a', target: '/a', options: [option] }] })).config.linux?.rootfsPropagation
  expect([await propagation('rshared'), await propagation('slave'), await propagation('rprivate')]).toEqual(['shared', 'rslave', undefined])
})

test.each([
  ['mounts[0].type', [{ type: 'floppy', source: 'data', target: '/data' }]],
  ['mounts[0].source', [{ type: 'volume', source: '../data', target: '/data' }]],
  ['mounts[0].source', [{ type: 'image', target: '/data' }]],
  ['mounts[0].options', [{ type: 'volume', target: '/data', copy: true, options: ['nocopy'] }]],
  ['mounts[0].options', [{ type: 'bind', source: '/a', target: '/a', options: ['nocopy'] }]],
  ['mounts[0].options', [{ type: 'tmpfs', target: '/a', options: ['U'] }]],
  ['mounts[0].source', [{ type: 'bind', source: 'relative', target: '/a' }]],
  ['mounts[0].source', [{ type: 'bind', target: '/a' }]],
  ['mounts[0].target', [{ type: 'bind', source: '/a', target: 'a' }]],
  ['mounts[0].target', [{ type: 'tmpfs', target: '/a/..' }]],
  [
    'mounts[1].target',
    [
      { type: 'tmpfs', target: '/a' },
      { type: 'tmpfs', target: '/a/' },
    ],
  ],
  ['mounts[0].options', [{ type: 'bind', source: '/a', target: '/a', options: ['ro', 'rw'] }]],
  ['mounts[0].options', [{ type: 'bind', source: '/a', target: '/a', readOnly: true, options: ['rw'] }]],
  ['mounts[0].options', [{ type: 'bind', source: '/a', target: '/a', options: ['size=1'] }]],
  ['mounts[0].options', [{ type: 'tmpfs', target: '/a', options: ['rbind'] }]],
  ['mounts[0].options', [{ type: 'tmpfs', target: '/a', options: ['size'] }]],
  ['mounts[0].options', [{ type: 'tmpfs', target: '/a', options: ['rw=1'] }]],
  ['mounts[0].options', [{ type: 'tmpfs', target: '/a', options: ['upperdir=/etc'] }]],
  ['mounts[0].mode', [{ type: 'tmpfs', target: '/a', mode: 0o10000 }]],
  ['mounts[0].size', [{ type: 'tmpfs', target: '/a', size: 1 }]],
])('refuses a bad value at %s', async (path, mounts) => {
  expect(await refusal(normalized({ mounts } as never))).toMatchObject({ code: 'invalid-argument', path })
})
