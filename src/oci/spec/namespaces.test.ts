import { expect, test } from 'vitest'
import { generated, normalized, refusal, someHost } from './spec.fixture.ts'

const of = async (options: object, host: Parameters<typeof someHost>[0] = {}, changes: Parameters<typeof generated>[2] = {}) => {
  const { config } = await generated(options, someHost(host), changes)
  const namespaces = Object.fromEntries((config.linux?.namespaces ?? []).map(({ type, path }) => [type, path ?? 'new']))
  return { namespaces, hostname: config.hostname, env: config.process?.env.find((entry) => entry.startsWith('HOSTNAME=')) }
}

test('a container has its own of everything, and is named after its id', async () => {
  expect(await of({})).toEqual({
    namespaces: { pid: 'new', network: 'new', ipc: 'new', uts: 'new', mount: 'new', cgroup: 'new' },
    hostname: 'f00dfeedf00d',
    env: 'HOSTNAME=f00dfeedf00d',
  })
})

test('with cgroup v1 the view of the cgroups is the host’s', async () => {
  expect((await of({}, { cgroupVersion: 1 })).namespaces).not.toHaveProperty('cgroup')
  expect((await of({ cgroupns: 'private' }, { cgroupVersion: 1 })).namespaces).toHaveProperty('cgroup')
})

test('shares what it is told to share', async () => {
  expect((await of({ pid: 'host', ipc: 'host', uts: 'host', cgroupns: 'host', network: 'host' })).namespaces).toEqual({ mount: 'new' })
  expect((await of({ pid: { path: '/proc/1/ns/pid' }, network: { path: '/run/netns/x' } })).namespaces).toMatchObject({
    pid: '/proc/1/ns/pid',
    network: '/run/netns/x',
  })
})

test('joins the network namespace that a backend made', async () => {
  expect((await of({}, {}, { namespacePaths: { network: '/run/netns/y' } })).namespaces).toMatchObject({ network: '/run/netns/y' })
})

test('the host name: the caller’s, the host’s with its network, none of its own in the host’s namespace', async () => {
  expect(await of({ hostname: 'web.example' })).toMatchObject({ hostname: 'web.example', env: 'HOSTNAME=web.example' })
  expect(await of({ network: 'host' })).toMatchObject({ hostname: 'somehost' })
  const shared = await of({ uts: 'host' })
  expect(shared.hostname).toBeUndefined()
  expect(shared.env).toBe('HOSTNAME=somehost')
})

test('containers.conf has its say', async () => {
  const defaults = { ...someHost().defaults, pidns: 'host' as const, cgroupns: 'host' as const }
  expect((await of({}, { defaults })).namespaces).toEqual({ network: 'new', ipc: 'new', uts: 'new', mount: 'new' })
  expect((await of({ pid: 'private' }, { defaults })).namespaces).toHaveProperty('pid')
})

test.each([
  ['hostname', { hostname: 'a b' }],
  ['hostname', { hostname: 'x'.repeat(65) }],
  ['hostname', { hostname: 'mine', uts: 'host' }],
  ['network', { network: 'bridge' }],
  ['network.path', { network: { path: 'relative' } }],
  ['pid', { pid: 'shared' }],
])('refuses a bad value at %s', async (path, options) => {
  expect(await refusal(normalized(options as never))).toMatchObject({ code: 'invalid-argument', path })
})
