import { expect, test, vi } from 'vitest'
import { createMemoryStore } from '../state/stores/memory.ts'
import { addressKey, allBelow, readAttachment } from './attachment.ts'
import { giveLeases, takeLeases, updateAttachment } from './leases.ts'
import type { NetworkRecord } from './record.ts'
import type { NetworkServices } from './services.ts'

const record: NetworkRecord = {
  id: 'net',
  name: 'web',
  driver: 'bridge',
  interfaceName: 'podman0',
  backend: 'netavark',
  createdAt: '',
  subnets: [{ subnet: '10.89.0.0/29', gateway: '10.89.0.1' }],
  internal: false,
  dns: true,
  labels: {},
  options: {},
}

function services(): NetworkServices {
  return {
    store: createMemoryStore(),
    owner: 'me',
    backend: { name: 'netavark' },
    isOwnerAlive: () => false,
    containers: { exists: async () => true, nameOf: async (id: string) => `name of ${id}` },
  } as unknown as NetworkServices
}

const take = (on: NetworkServices, container: string, more: object = {}) =>
  takeLeases(on, { container, name: container, networks: [{ record, ...more }], ports: [], dnsServers: [] })
const addressOf = async (taken: ReturnType<typeof take>) => (await taken).networks[0]?.addresses[0]

test('goes round: an address that was given back is the last to be given again', async () => {
  const on = services()
  expect(await addressOf(take(on, 'a'))).toBe('10.89.0.2')
  await giveLeases(on, 'a')
  expect(await addressOf(take(on, 'b'))).toBe('10.89.0.3')
})

test('gives a container its last address again, when it is free', async () => {
  const on = services()
  await take(on, 'a')
  await giveLeases(on, 'a')
  await take(on, 'b')
  expect(await addressOf(take(on, 'a'))).toBe('10.89.0.2')
})

test('gives no address twice, neither side by side nor when all are taken', async () => {
  const on = services()
  const taken = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((container) => addressOf(take(on, container))))
  expect(new Set(taken).size).toBe(5)
  expect(taken).not.toContain('10.89.0.1')
  await expect(take(on, 'f')).rejects.toMatchObject({ code: 'conflict', details: { what: 'network web' } })
  expect(await readAttachment(on.store, 'f')).toBeUndefined()
  await giveLeases(on, 'c')
  expect(await addressOf(take(on, 'f'))).toBe(taken[2])
})

test('an address that was asked for is had, or refused with its holder', async () => {
  const on = services()
  expect(await addressOf(take(on, 'a', { staticIps: ['10.89.0.5'] }))).toBe('10.89.0.5')
  await expect(take(on, 'b', { staticIps: ['10.89.0.5'] })).rejects.toThrow('name of a')
  for (const ip of ['10.89.0.1', '10.89.0.7', '10.90.0.2'])
    await expect(take(on, 'b', { staticIps: [ip] }), ip).rejects.toMatchObject({ code: 'invalid-argument', details: { path: 'staticIps' } })
})

test('a second address of one subnet is refused, not dropped', async () => {
  await expect(take(services(), 'a', { staticIps: ['10.89.0.4', '10.89.0.5'] })).rejects.toMatchObject({
    code: 'invalid-argument',
    details: { path: 'staticIps', value: '10.89.0.5' },
  })
})

test('an address of one who is just leaving is waited for: one that was asked for, and the last of a subnet', async () => {
  const store = createMemoryStore()
  // Whoever leaves holds the lock until the addresses are given back.
  const locks = { acquire: vi.fn(async () => async () => void (await giveLeases(on, locks.leaver))), leaver: '' }
  const on = { ...services(), store, locks, isOwnerAlive: () => true } as unknown as NetworkServices
  const leave = (container: string): Promise<unknown> => {
    locks.leaver = container
    return updateAttachment(on, container, (attachment) => ({ ...attachment, phase: 'leaving' }))
  }
  await take(on, 'a', { staticIps: ['10.89.0.5'] })
  await leave('a')
  expect(await addressOf(take(on, 'b', { staticIps: ['10.89.0.5'] }))).toBe('10.89.0.5')
  const rest = await Promise.all(['c', 'd', 'e', 'f'].map((container) => addressOf(take(on, container))))
  await leave('d')
  expect(await addressOf(take(on, 'g'))).toBe(rest[1])
  await expect(take(on, 'h')).rejects.toMatchObject({ code: 'conflict', details: { what: 'network web' } })
})

test('everything is given back in one commit', async () => {
  const on = services()
  await takeLeases(on, {
    container: 'a',
    name: 'a',
    networks: [{ record }],
    ports: [{ container: 80, protocol: 'tcp', hostIp: '127.0.0.1', range: 2 }],
    dnsServers: [],
  })
  expect(await allBelow(on.store, 'network/port/')).toHaveLength(2)
  await giveLeases(on, 'a')
  expect(await allBelow(on.store, 'network/port/')).toEqual([])
  expect(await allBelow(on.store, addressKey('net'))).toEqual([])
})

test('a range whose place is left open has ports in a row, those of the last run again', async () => {
  const on = services()
  const range = { container: 1000, protocol: 'tcp', hostIp: '', range: 300 } as const
  const hostPorts = async () =>
    (await takeLeases(on, { container: 'a', name: 'a', networks: [{ record }], ports: [range], dnsServers: [] })).ports.map(
      ({ hostPort }) => hostPort,
    )
  const first = await hostPorts()
  expect(first).toEqual(Array.from({ length: 300 }, (_, at) => (first[0] ?? 0) + at))
  await giveLeases(on, 'a')
  expect(await hostPorts()).toEqual(first)
})

test('ports that are chosen are none that another one of the same container asks for', async () => {
  const on = services()
  const bound = { container: 'a', name: 'a', networks: [{ record }], dnsServers: [] }
  const open = { container: 80, protocol: 'tcp', hostIp: '127.0.0.1', range: 1 } as const
  const before = await takeLeases(on, { ...bound, ports: [open] })
  await giveLeases(on, 'a')
  const host = before.ports[0]?.hostPort ?? 0
  // The last run's is free again, and would be the first choice.
  const { ports } = await takeLeases(on, { ...bound, ports: [open, { ...open, container: 81, host }] })
  expect(ports.map(({ containerPort }) => containerPort)).toEqual([80, 81])
  expect(ports[1]?.hostPort).toBe(host)
  expect(ports[0]?.hostPort).not.toBe(host)
})
