import { allAttachments } from './attachment.ts'
import { type NetworkRecord, type NetworkSummary, summarizeNetwork } from './record.ts'
import type { NetworkServices } from './services.ts'
import { requireNetwork } from './store.ts'

/** All that is known of a network. @public */
export interface NetworkInspect extends NetworkSummary {
  /** The driver's own options. */
  readonly options: Readonly<Record<string, string>>
  /** What sets it up: `netavark`. */
  readonly backend: string
  /** The containers that are connected now. */
  readonly containers: readonly NetworkMember[]
}

/** A container in a network. @public */
export interface NetworkMember {
  readonly id: string
  readonly name: string
  readonly interfaceName: string
  readonly addresses: readonly string[]
  readonly mac?: string
}

/** Reads all that is known of a network. */
export async function inspectNetwork(services: NetworkServices, nameOrId: string): Promise<NetworkInspect> {
  services.closer.check()
  const record: NetworkRecord = await requireNetwork(services, nameOrId)
  const containers = (await allAttachments(services.store)).flatMap(({ container, name, networks, phase }) =>
    networks
      .filter(({ network }) => phase !== 'leaving' && network.id === record.id)
      .map(({ interfaceName, addresses, mac, status }) => {
        const known = status?.mac ?? mac
        return { id: container, name, interfaceName, addresses, ...(known === undefined ? {} : { mac: known }) }
      }),
  )
  return { ...summarizeNetwork(record), options: record.options, backend: record.backend, containers }
}
