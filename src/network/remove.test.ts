import { expect, test, vi } from 'vitest'
import { createMemoryStore } from '../state/stores/memory.ts'
import { attachmentKey, pointerKey } from './attachment.ts'
import type { NetworkRecord } from './record.ts'
import { removeUnused } from './remove.ts'
import type { NetworkServices } from './services.ts'

const network = { id: 'net', name: 'web', labels: {} } as NetworkRecord

test('a network whose last container cannot be taken down is removed all the same, and that is told', async () => {
  const store = createMemoryStore()
  const leaving = {
    container: 'c',
    name: 'c',
    owner: 'dead',
    phase: 'leaving',
    backend: '',
    networks: [{ network: { id: 'net' }, interfaceName: 'eth0', addresses: [], aliases: [] }],
    ports: [],
    dnsServers: [],
  }
  await store.commit({
    puts: [
      { key: attachmentKey('c'), value: leaving as never },
      { key: pointerKey('net', 0), value: '10.0.0.2' },
    ],
  })
  const emit = vi.fn(async () => {})
  const warn = vi.fn()
  const services = {
    store,
    registry: { remove: async () => true },
    locks: { acquire: async () => async () => {} },
    isOwnerAlive: () => false,
    backend: { teardown: async () => Promise.reject(new Error('EINVAL')) },
    logger: { warn, debug: () => {} },
    emit,
  } as unknown as NetworkServices
  await removeUnused(services, network)
  expect(emit).toHaveBeenCalledWith({ type: 'network', action: 'remove', id: 'net', name: 'web', attributes: {} })
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('EINVAL'))
  expect(await store.get([pointerKey('net', 0)])).toEqual([undefined])
})
