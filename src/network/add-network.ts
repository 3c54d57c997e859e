import { step } from '../base/steps.ts'
import { linkNames } from '../linux/network/host-network.ts'
import { backendNetwork } from './leases.ts'
import { type NetworkRecord, type NetworkSummary, networkDraft, networkKind } from './record.ts'
import type { NetworkServices } from './services.ts'

/** Whoever chooses a subnet or the name of a bridge holds this lock: two networks never get the same. */
export const creationLock = 'network/create'

/** Writes a new network and tells of it. */
export async function addNetwork(services: NetworkServices, record: NetworkRecord): Promise<NetworkRecord> {
  await services.backend.validate(backendNetwork(record))
  await step(services.probe, 'network.commit', () => services.registry.create(networkKind.kind, networkDraft(record)))
  const { id, name, labels } = record
  await step(services.probe, 'network.event', () => services.emit({ type: 'network', action: 'create', id, name, attributes: labels }))
  return record
}

/** The first of `podman0`, `podman1` and so on that no network has, nor any link of this host. */
export async function bridgeName(networks: readonly Pick<NetworkSummary, 'interfaceName'>[]): Promise<string> {
  const taken = new Set([...(await linkNames()), ...networks.map(({ interfaceName }) => interfaceName)])
  for (let at = 0; ; at++) if (!taken.has(`podman${at}`)) return `podman${at}`
}
