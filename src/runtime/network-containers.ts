import { connectContainer } from '../containers/networking/connect.ts'
import { disconnectContainer } from '../containers/networking/disconnect.ts'
import type { ContainersServices } from '../containers/services.ts'
import { readRecord } from '../containers/store.ts'
import type { NetworkContainers } from '../network/services.ts'
import { removeContainerUsers } from './remove-container-users.ts'

/** What networks ask of containers, which lie above them. */
export function networkContainers(services: () => ContainersServices): NetworkContainers {
  return {
    connect: (network, container, options) => connectContainer(services(), network, container, options),
    disconnect: (network, container, options) => disconnectContainer(services(), network, container, options),
    remove: (users, options) => removeContainerUsers(services(), users, options),
    exists: async (id) => (await readRecord(services(), id)) !== undefined,
    nameOf: async (id) => (await readRecord(services(), id))?.name ?? id.slice(0, 12),
  }
}
