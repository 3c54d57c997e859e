import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { parseMountInfo } from '../mount-info.ts'
import { type CgroupHierarchy, describeCgroups, detectCgroups, hierarchiesFrom, ownDirectory } from './detect.ts'
import { parseMemberships } from './membership.ts'

const systemdV2 = parseMountInfo('30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate\n')

test('this host, for real', async () => {
  const host = await detectCgroups()
  expect(['v1', 'v2', 'hybrid']).toContain(host.mode)
  expect(Object.keys(host.controllers)).toEqual(expect.arrayContaining(['memory', 'cpu', 'pids']))
  expect(host.writable).toBe(true)
  expect(host.mode === 'hybrid' || host.mode === 'v2').toBe(host.unified !== undefined)
  // It goes to the helper process as JSON.
  expect(JSON.parse(JSON.stringify(host))).toEqual(host)
})

test('without the unified tree a hybrid host is a v1 host', () => {
  const script = `import { detectCgroups } from ${JSON.stringify(new URL('./detect.ts', import.meta.url).href)}
    detectCgroups().then((host) => console.log(host.mode))`
  const command = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec node --import tsx --input-type=module -e "$0"'
  const { stdout, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', command, script], { encoding: 'utf8', cwd: process.cwd() })
  expect(stderr).toBe('')
  expect(stdout.trim()).toBe('v1')
})

test('a host with systemd and v2', () => {
  const hierarchies = hierarchiesFrom(systemdV2, parseMemberships('0::/user.slice/user-1000.slice/session-1.scope\n'))
  expect(hierarchies).toEqual<CgroupHierarchy[]>([
    {
      version: 2,
      controllers: [],
      mountPoint: '/sys/fs/cgroup',
      root: '/',
      own: '/user.slice/user-1000.slice/session-1.scope',
      writable: true,
    },
  ])
  const host = describeCgroups(hierarchies.map((hierarchy) => ({ ...hierarchy, controllers: ['cpu', 'memory'] })))
  expect(host).toMatchObject({
    mode: 'v2',
    unified: '/sys/fs/cgroup',
    controllers: { cpu: 2, memory: 2 },
    unifiedControllers: ['cpu', 'memory'],
  })
})

test('systemd’s own hybrid: controllers mounted together, a named hierarchy, an empty unified tree', () => {
  const mounts = parseMountInfo(
    [
      '25 17 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755',
      '26 25 0:23 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw',
      '27 25 0:24 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,xattr,name=systemd',
      '30 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct',
    ].join('\n'),
  )
  const memberships = parseMemberships('4:cpu,cpuacct:/a\n1:name=systemd:/init.scope\n0::/init.scope\n')
  const host = describeCgroups(hierarchiesFrom(mounts, memberships))
  expect(host.mode).toBe('hybrid')
  expect(host.unifiedControllers).toEqual([])
  expect(host.controllers).toEqual({ systemd: 1, cpu: 1, cpuacct: 1 })
  expect(host.hierarchies.map(ownDirectory)).toEqual([
    '/sys/fs/cgroup/systemd/init.scope',
    '/sys/fs/cgroup/cpu,cpuacct/a',
    '/sys/fs/cgroup/unified/init.scope',
  ])
})

test('inside a container the mount shows a part of the tree', () => {
  const mounts = parseMountInfo('30 23 0:26 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n')
  const [hierarchy] = hierarchiesFrom(mounts, parseMemberships('9:memory:/docker/abc/sub\n'))
  expect(hierarchy).toMatchObject({ root: '/docker/abc', own: '/docker/abc/sub', writable: false })
  expect(hierarchy && ownDirectory(hierarchy)).toBe('/sys/fs/cgroup/memory/sub')
})

test('a tree that is mounted over or mounted twice counts once', () => {
  const over = parseMountInfo('30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n31 30 0:40 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n')
  expect(hierarchiesFrom(over, parseMemberships('0::/\n'))).toEqual([])
  const twice = parseMountInfo('30 23 0:26 /part /other rw - cgroup2 cgroup2 rw\n31 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n')
  expect(hierarchiesFrom(twice, parseMemberships('0::/\n')).map(({ mountPoint }) => mountPoint)).toEqual(['/sys/fs/cgroup'])
})

test('no cgroups at all is said so', () => {
  expect(() => describeCgroups([])).toThrow(expect.objectContaining({ code: 'unavailable' }))
})
