import type { Registry } from '../state/registry.ts'
import type { KindDefinition } from '../state/registry-types.ts'
import type { Json } from '../state/state-store.ts'
import type { BackendNetwork } from './backend.ts'

/** What is stored of a network: plain JSON. */
export interface NetworkRecord extends Omit<BackendNetwork, 'subnets'> {
  readonly createdAt: string
  /** The backend it was made for. */
  readonly backend: string
  readonly subnets: readonly NetworkSubnet[]
  readonly labels: Readonly<Record<string, string>>
}

/** A range of addresses that a network hands out. @public */
export interface NetworkSubnet {
  /** As `10.89.1.0/24`. */
  readonly subnet: string
  /** The bridge's own address, which containers send to what is elsewhere. */
  readonly gateway: string
  /** Containers get addresses of this range only; of the whole subnet if not given. */
  readonly leaseRange?: { readonly first: string; readonly last: string }
}

/** How networks are kept in the registry. */
export const networkKind: KindDefinition = { kind: 'network', nameScope: 'network', format: 1 }

/** The short form that lists show. @public */
export interface NetworkSummary {
  /** 64 hex digits. */
  readonly id: string
  readonly name: string
  /** `bridge`. */
  readonly driver: string
  /** The link on the host that stands for it. */
  readonly interfaceName: string
  readonly subnets: readonly NetworkSubnet[]
  /** No way out. */
  readonly internal: boolean
  /** Containers find each other by their names. */
  readonly dns: boolean
  readonly labels: Readonly<Record<string, string>>
  /** RFC 3339. */
  readonly createdAt: string
}

export function summarizeNetwork(record: NetworkRecord): NetworkSummary {
  const { id, name, driver, interfaceName, subnets, internal, dns, labels, createdAt } = record
  return { id, name, driver, interfaceName, subnets, internal, dns, labels, createdAt }
}

/** What the registry is given of a record. */
export function networkDraft(record: NetworkRecord): { id: string; names: string[]; links: string[]; body: Json; summary: Json } {
  return {
    id: record.id,
    names: [record.name],
    links: [],
    body: record as unknown as Json,
    summary: summarizeNetwork(record) as unknown as Json,
  }
}

/** The network of an id, the beginning of one, or a name. */
export async function findNetwork(registry: Registry, nameOrId: string): Promise<NetworkRecord | undefined> {
  return (await registry.find(networkKind.kind, nameOrId))?.body as unknown as NetworkRecord | undefined
}

/** All networks. There are few. */
export async function allNetworks(registry: Registry): Promise<NetworkSummary[]> {
  const all: NetworkSummary[] = []
  for await (const page of registry.iterate(networkKind.kind)) all.push(...page.map(({ summary }) => summary as unknown as NetworkSummary))
  return all
}
