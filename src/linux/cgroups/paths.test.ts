import { expect, test } from 'vitest'
import type { CgroupHost } from './detect.ts'
import { parseMemberships } from './membership.ts'
import { cgroupPaths, cgroupsOfProcess, containerCgroupPath, directoriesOf, expandSlice, pathsFromMemberships } from './paths.ts'

const hybrid: CgroupHost = {
  mode: 'hybrid',
  hierarchies: [
    { version: 1, controllers: ['cpu', 'cpuacct'], mountPoint: '/cg/cpu,cpuacct', root: '/', own: '/here', writable: true },
    { version: 1, controllers: ['memory'], mountPoint: '/cg/memory', root: '/docker/x', own: '/docker/x', writable: true },
    { version: 2, controllers: [], mountPoint: '/cg/unified', root: '/', own: '/', writable: true },
  ],
  controllers: { cpu: 1, cpuacct: 1, memory: 1 },
  unified: '/cg/unified',
  unifiedControllers: [],
  writable: true,
}

test('a container’s cgroup as the runtimes make it', () => {
  expect(containerCgroupPath({ cgroupsPath: '/libpod_parent/libpod-1', id: '1', manager: 'cgroupfs' })).toBe('/libpod_parent/libpod-1')
  expect(containerCgroupPath({ id: '1', manager: 'cgroupfs' })).toBe('1')
  const systemd = (cgroupsPath?: string, managerRoot?: string) =>
    containerCgroupPath({
      ...(cgroupsPath === undefined ? {} : { cgroupsPath }),
      ...(managerRoot === undefined ? {} : { managerRoot }),
      id: 'abc',
      manager: 'systemd',
    })
  expect(systemd('machine.slice:libpod:abc')).toBe('/machine.slice/libpod-abc.scope')
  expect(systemd('machine-libpod_pod_7.slice:libpod:abc')).toBe('/machine.slice/machine-libpod_pod_7.slice/libpod-abc.scope')
  expect(systemd()).toBe('/system.slice/abc.scope')
  const user = '/user.slice/user-1000.slice/user@1000.service'
  expect(systemd('user.slice:libpod:abc', user)).toBe(`${user}/user.slice/libpod-abc.scope`)
  expect(systemd(':libpod:abc', user)).toBe(`${user}/user.slice/libpod-abc.scope`)
})

test('slices nest by their hyphens', () => {
  expect(expandSlice('a.slice')).toBe('/a.slice')
  expect(expandSlice('a-b-c.slice')).toBe('/a.slice/a-b.slice/a-b-c.slice')
  expect(expandSlice('-.slice')).toBe('/')
  for (const bad of ['a', 'a/b.slice', 'a--b.slice', '-a.slice', 'a-.slice', '.slice'])
    expect(() => expandSlice(bad), bad).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
})

test('the directories of a path in every tree', () => {
  expect(cgroupPaths(hybrid, '/p/c')).toEqual({
    unified: '/cg/unified/p/c',
    v1: { cpu: '/cg/cpu,cpuacct/p/c', cpuacct: '/cg/cpu,cpuacct/p/c', memory: '/cg/memory/p/c' },
  })
  expect(cgroupPaths(hybrid, 'c')).toEqual({
    unified: '/cg/unified/c',
    v1: { cpu: '/cg/cpu,cpuacct/here/c', cpuacct: '/cg/cpu,cpuacct/here/c', memory: '/cg/memory/c' },
  })
  expect(directoriesOf(cgroupPaths(hybrid, '/p'))).toEqual(['/cg/unified/p', '/cg/cpu,cpuacct/p', '/cg/memory/p'])
})

test('the directories of a process', async () => {
  const memberships = parseMemberships('3:cpu,cpuacct:/a:b\n2:memory:/docker/x/m\n0::/u (deleted)\n')
  expect(pathsFromMemberships(hybrid, memberships)).toEqual({
    unified: '/cg/unified/u',
    v1: { cpu: '/cg/cpu,cpuacct/a:b', cpuacct: '/cg/cpu,cpuacct/a:b', memory: '/cg/memory/m' },
  })
  expect(await cgroupsOfProcess(hybrid, 0x3fffff)).toBeUndefined()
})
