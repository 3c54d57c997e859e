import { expect, test } from 'vitest'
import { generated, normalized, refusal, someHost } from './spec.fixture.ts'

const of = async (options: object, host: Parameters<typeof someHost>[0] = {}) =>
  (await generated(options, someHost(host))).config.linux?.sysctl
const ping = { 'net.ipv4.ping_group_range': '0 0' }

test('sets the defaults and the caller’s', async () => {
  expect(await of({})).toEqual(ping)
  expect(await of({ sysctls: { 'net.core.somaxconn': '99', 'kernel.shmmax': '1', 'fs.mqueue.msg_max': '2' } })).toEqual({
    ...ping,
    'net.core.somaxconn': '99',
    'kernel.shmmax': '1',
    'fs.mqueue.msg_max': '2',
  })
  expect(await of({ sysctls: { 'net.ipv4.ping_group_range': '1 1' } })).toEqual({ 'net.ipv4.ping_group_range': '1 1' })
})

test('leaves alone what is not the container’s', async () => {
  expect(await of({ network: 'host' })).toBeUndefined()
  expect(await of({ network: { path: '/run/netns/x' } })).toBeUndefined()
  const defaults = { ...someHost().defaults, defaultSysctls: { 'vm.swappiness': '1', 'kernel.msgmax': '2', 'kernel.domainname': 'd' } }
  expect(await of({ ipc: 'host' }, { defaults })).toEqual({ 'kernel.domainname': 'd' })
})

test.each([
  ['sysctls.vm.swappiness', { sysctls: { 'vm.swappiness': '1' } }],
  ['sysctls.kernel.panic', { sysctls: { 'kernel.panic': '1' } }],
  ['sysctls.net.core.somaxconn', { network: 'host', sysctls: { 'net.core.somaxconn': '1' } }],
  ['sysctls.kernel.shmmax', { ipc: 'host', sysctls: { 'kernel.shmmax': '1' } }],
  ['sysctls.kernel.hostname', { uts: 'host', sysctls: { 'kernel.hostname': 'x' } }],
  ['sysctls.net.a', { sysctls: { 'net.a': 1 } }],
])('refuses a bad value at %s', async (path, options) => {
  expect(await refusal(normalized(options as never))).toMatchObject({ code: 'invalid-argument', path })
})
