import { execFileSync } from 'node:child_process'
import { mkdirSync, rmdirSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseDevice } from './devices.ts'
import { devicesIn } from './host-devices.ts'
import { readHostObjects } from './host-objects.ts'
import { generated, normalized, refusal, someHost } from './spec.fixture.ts'

let folder = ''
let devices = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'libpod-ts-objects-'))
  await writeFile(join(folder, 'file'), '')
  execFileSync(
    'sh',
    ['-c', 'mkdir locked other && mknod other/c c 1 3 && mount -t tmpfs -o noexec,nosuid none locked && mkdir locked/in'],
    {
      cwd: folder,
    },
  )
  // Folders of devices lie below /dev; what is made and removed in this one is its own.
  devices = await mkdtemp('/dev/shm/libpod-ts-objects-')
  execFileSync('sh', ['-c', 'mkdir -p devs/sub empty && mknod devs/b b 259 70000 && mknod devs/sub/c c 1 3 && ln -s devs/sub/c link'], {
    cwd: devices,
  })
})
afterAll(async () => {
  execFileSync('umount', [join(folder, 'locked')])
  await rm(folder, { recursive: true })
  await rm(devices, { recursive: true })
})

const read = async (options: object, host = someHost()) => readHostObjects(await normalized(options, host), host)

test('looks at nothing for a container that names nothing', async () => {
  expect(await read({ mounts: [{ type: 'tmpfs', target: '/a' }] })).toEqual({ devices: [], bindFlags: new Map() })
})

test('finds what the file system of a bind mount forbids', async () => {
  const inside = join(folder, 'locked', 'in')
  const { bindFlags } = await read({ mounts: [{ type: 'bind', source: inside, target: '/a' }] })
  expect(bindFlags.get(inside)).toEqual(['noexec', 'nosuid'])
})

test('finds devices: by path, through a link, in a folder', async () => {
  const found = await read({
    devices: [
      { source: join(devices, 'devs/b'), target: '/dev/x', permissions: 'r' },
      { source: join(devices, 'link'), target: '/dev/n' },
      { source: join(devices, 'devs'), target: '/dev/all', permissions: 'rw' },
      { source: join(folder, 'other/c'), target: '/dev/c' },
    ],
  })
  expect(found.devices.map(({ device, permissions }) => [device.path, device.type, device.major, device.minor, permissions])).toEqual([
    ['/dev/x', 'b', 259, 70000, 'r'],
    ['/dev/n', 'c', 1, 3, 'rwm'],
    ['/dev/all/b', 'b', 259, 70000, 'rw'],
    ['/dev/all/sub/c', 'c', 1, 3, 'rw'],
    ['/dev/c', 'c', 1, 3, 'rwm'],
  ])
})

test('reads so many entries of a folder of devices, those below it among them, and no more', async () => {
  const source = join(devices, 'devs')
  expect((await devicesIn(source, 'devices[0].source', 3)).map((found) => found.source)).toEqual([join(source, 'b'), join(source, 'sub/c')])
  expect(await refusal(devicesIn(source, 'devices[0].source', 2))).toMatchObject({ code: 'invalid-argument', path: 'devices[0].source' })
})

test('a folder that cannot be read is refused, and one that goes away meanwhile has no devices', async () => {
  expect(await refusal(devicesIn(join(devices, 'none'), 'devices[0].source'))).toMatchObject({ code: 'invalid-argument' })
  const going = join(devices, 'going')
  const inside = Array.from({ length: 100 }, (_, i) => join(going, `${i}`))
  for (const path of inside) mkdirSync(path, { recursive: true })
  const walked = devicesIn(going, 'devices[0].source')
  // By then it has been read which folders there are.
  await readdir(going)
  for (const path of inside) rmdirSync(path)
  expect(await walked).toEqual([])
})

test('takes the devices of a folder that is not of /dev', async () => {
  const { devices: found } = await read({ devices: [{ source: join(folder, 'other'), target: '/dev/mine' }] })
  expect(found).toMatchObject([{ device: { path: '/dev/mine/c', type: 'c', major: 1, minor: 3 } }])
})

test('adds containers.conf’s devices', async () => {
  const host = someHost({ defaults: { ...someHost().defaults, devices: ['/dev/null:/dev/void:rw'] } })
  const { devices } = await read({}, host)
  expect(devices).toMatchObject([{ source: '/dev/null', device: { path: '/dev/void', major: 1, minor: 3 }, permissions: 'rw' }])
})

test('gives a privileged container all devices but the terminals of others', async () => {
  const paths = (await read({ privileged: true })).devices.map(({ device }) => device.path)
  expect(paths).toContain('/dev/null')
  expect(paths.filter((path) => /^\/dev\/(pts|shm|mqueue|console|fd)/.test(path))).toEqual([])
})

test.each([
  [
    'mounts[1].source',
    () => ({
      mounts: [
        { type: 'tmpfs', target: '/a' },
        { type: 'bind', source: join(folder, 'none'), target: '/b' },
      ],
    }),
  ],
  ['devices[0].source', () => ({ devices: [{ source: join(folder, 'none') }] })],
  ['devices[0].source', () => ({ devices: [{ source: join(folder, 'file') }] })],
  ['devices[0].source', () => ({ devices: [{ source: join(folder, 'locked') }] })],
  ['devices[0].source', () => ({ devices: [{ source: join(devices, 'empty') }] })],
  ['devices[0].source', () => ({ devices: [{ source: '/' }] })],
  ['devices[1].source', () => ({ devices: [{ source: '/dev/null' }, { source: '/dev/fd' }] })],
])('refuses at %s what is not there or no device', async (path, options) => {
  expect(await refusal(read(options()))).toMatchObject({ code: 'invalid-argument', path })
})

test('writes the nodes and the rules of the cgroup', async () => {
  const device = { path: '/dev/x', type: 'b' as const, major: 8, minor: 1, fileMode: 0o60660, uid: 0, gid: 6 }
  const objects = { bindFlags: new Map(), devices: [{ source: '/dev/sda1', device, permissions: 'rw' }] }
  const { linux } = (await generated({}, someHost(), { objects })).config
  expect(linux?.devices).toEqual([device])
  expect(linux?.resources?.devices).toEqual([
    { allow: false, access: 'rwm' },
    { allow: true, type: 'b', major: 8, minor: 1, access: 'rw' },
  ])
  expect((await generated({ privileged: true }, someHost(), { objects })).config.linux?.resources?.devices).toEqual([
    { allow: true, access: 'rwm' },
  ])
})

test('rootless: devices are bind mounts', async () => {
  const objects = {
    bindFlags: new Map(),
    devices: [{ source: '/dev/fuse', device: { path: '/dev/f', type: 'c' as const }, permissions: 'r' }],
  }
  const { config } = await generated({}, someHost({ rootless: true }), { objects })
  expect(config.linux).not.toHaveProperty('devices')
  expect(config.linux?.resources).not.toHaveProperty('devices')
  expect(config.mounts).toContainEqual({
    destination: '/dev/f',
    type: 'bind',
    source: '/dev/fuse',
    options: ['slave', 'nosuid', 'noexec', 'ro', 'rbind'],
  })
})

test.each([
  ['/dev/a', { source: '/dev/a' }],
  ['/dev/a:/dev/b', { source: '/dev/a', target: '/dev/b' }],
  ['/dev/a:rw', { source: '/dev/a', permissions: 'rw' }],
  ['/dev/a:/dev/b:r', { source: '/dev/a', target: '/dev/b', permissions: 'r' }],
])('reads %s', (text, device) => {
  expect(parseDevice(text)).toEqual(device)
})

test.each([
  ['devices[0].source', [{ source: 'null' }]],
  ['devices[0].permissions', [{ source: '/dev/null', permissions: 'x' }]],
  ['devices[0].mode', [{ source: '/dev/null', mode: 'r' }]],
])('refuses a bad value at %s', async (path, devices) => {
  expect(await refusal(normalized({ devices } as never))).toMatchObject({ code: 'invalid-argument', path })
})
