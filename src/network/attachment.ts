import type { StateStore } from '../state/state-store.ts'
import type { ConnectedNetwork, ConnectedStatus, MappedPort } from './backend.ts'

/**
 * How a container is connected, kept in the live store from before its setup until after its teardown: whoever finds it can take it down.
 * Its addresses and ports are leased in the same commits, and go in the same.
 */
export interface Attachment {
  readonly container: string
  /** The container's name as it was then. */
  readonly name: string
  /** The engine that set it up, or takes it down. */
  readonly owner: string
  /** `setting-up` and `leaving`: that is under way, or was cut off. */
  readonly phase: 'setting-up' | 'up' | 'leaving'
  readonly backend: string
  readonly networks: readonly AttachedNetwork[]
  readonly ports: readonly MappedPort[]
  /** Servers of the container's own choice. */
  readonly dnsServers: readonly string[]
}

/** One network of it; the status is known after its setup. */
export interface AttachedNetwork extends ConnectedNetwork {
  readonly status?: ConnectedStatus
}

/** Where a container's last run was: it gets the same again when that is free. */
export interface LastLeases {
  /** By the id of the network. */
  readonly addresses: Readonly<Record<string, readonly string[]>>
  readonly ports: readonly MappedPort[]
}

const attachments = 'network/attachment/'

export function attachmentKey(container: string): string {
  return attachments + container
}

export function addressKey(network: string, address = ''): string {
  return `network/address/${network}/${address}`
}

export function portKey(protocol: string, port: number): string {
  return `network/port/${protocol}/${port}`
}

/** Below it lie, by network and subnet, the addresses that were given out last. */
export const pointerPrefix = 'network/pointer/'

/** The address that was given out last in a subnet. */
export function pointerKey(network: string, subnet: number): string {
  return `${pointerPrefix}${network}/${subnet}`
}

export function lastKey(container: string): string {
  return `network/last/${container}`
}

/** How a container is connected; `undefined` when it is not. */
export async function readAttachment(store: StateStore, container: string): Promise<Attachment | undefined> {
  const [entry] = await store.get([attachmentKey(container)])
  return entry?.value as unknown as Attachment | undefined
}

/** All that are there. */
export async function allAttachments(store: StateStore): Promise<Attachment[]> {
  return (await allBelow(store, attachments)).map(({ value }) => value as unknown as Attachment)
}

/** Every entry whose key begins so. */
export async function allBelow(store: StateStore, prefix: string): Promise<Awaited<ReturnType<StateStore['list']>>> {
  const all: Awaited<ReturnType<StateStore['list']>> = []
  for (let after: string | undefined; ; ) {
    const page = await store.list(prefix, { limit: 1000, ...(after === undefined ? {} : { after }) })
    all.push(...page)
    if (page.length < 1000) return all
    after = page.at(-1)?.key
  }
}
