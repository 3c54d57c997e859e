import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { requireRecord } from '../store.ts'

/** The container whose network a container uses: its own, or that of the container or pod it shares it with. */
export async function networkOwner(services: ContainersServices, record: ContainerRecord): Promise<ContainerRecord> {
  const { network } = record.options
  if (typeof network !== 'object' || !('container' in network)) return record
  return networkOwner(services, await requireRecord(services, network.container))
}
