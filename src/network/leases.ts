import { isLibpodError, LibpodError } from '../base/errors.ts'
import { sleep } from '../base/time.ts'
import type { Json, StateChange } from '../state/state-store.ts'
import { type Attachment, addressKey, attachmentKey, type LastLeases, lastKey, readAttachment } from './attachment.ts'
import type { BackendNetwork } from './backend.ts'
import { chooseAddresses } from './lease-addresses.ts'
import { choosePorts, portsWithout } from './lease-ports.ts'
import type { NormalizedPort } from './ports-option.ts'
import type { NetworkRecord } from './record.ts'
import type { NetworkServices } from './services.ts'

/** How a container is to be connected. */
export interface WantedAttachment {
  readonly container: string
  readonly name: string
  readonly networks: readonly WantedNetwork[]
  readonly ports: readonly NormalizedPort[]
  readonly dnsServers: readonly string[]
}

/** One network of it. */
export interface WantedNetwork {
  readonly record: NetworkRecord
  readonly aliases?: readonly string[] | undefined
  readonly staticIps?: readonly string[] | undefined
  readonly staticMac?: string | undefined
  readonly interfaceName?: string | undefined
}

/** How often leases are tried against faster takers; the last tries are some 50 ms apart. */
const tries = 100

/**
 * Takes addresses and ports and writes down who has them, in one commit: of two engines, in whatever processes, only one can get
 * an address or a port. What is written then is what a teardown needs.
 */
export async function takeLeases(services: NetworkServices, wanted: WantedAttachment): Promise<Attachment> {
  const { store, owner, backend } = services
  return retried(async () => {
    const { container, name, dnsServers } = wanted
    const last = await readLast(services, container)
    const names = interfaceNames(wanted.networks, [])
    const change = newChange()
    const networks = []
    for (const [at, network] of wanted.networks.entries())
      networks.push(await takeNetwork(services, { wanted: network, container, interfaceName: names[at] ?? '', last }, change))
    const { ports, change: portChange } = await choosePorts(store, wanted.ports, {
      ...wishes(services),
      container,
      preferred: last?.ports ?? [],
    })
    add(change, portChange)
    const attachment: Attachment = { container, name, owner, phase: 'setting-up', backend: backend.name, networks, ports, dnsServers }
    change.checks.push({ key: attachmentKey(container), exists: false })
    change.puts.push({ key: attachmentKey(container), value: attachment as unknown as Json })
    await store.commit(change)
    return attachment
  })
}

/** Takes an address in one more network, for a container that is connected already. */
export async function takeLease(services: NetworkServices, container: string, wanted: WantedNetwork): Promise<Attachment> {
  const { store } = services
  return retried(async () => {
    const [entry] = await store.get([attachmentKey(container)])
    const attachment = entry?.value as unknown as Attachment | undefined
    if (entry === undefined || attachment === undefined)
      throw new LibpodError('internal', 'The container is not connected.', { what: container })
    const taken = attachment.networks.map((network) => network.interfaceName)
    const namesake = attachment.networks.find((network) => network.interfaceName === wanted.interfaceName)
    if (namesake !== undefined) throw interfaceTaken(attachment.name, namesake.interfaceName, namesake.network.name)
    const [interfaceName = ''] = interfaceNames([wanted], taken)
    const change = newChange()
    const last = await readLast(services, container)
    const network = await takeNetwork(services, { wanted, container, interfaceName, last }, change)
    const next: Attachment = { ...attachment, networks: [...attachment.networks, network] }
    change.checks.push({ key: entry.key, version: entry.version })
    change.puts.push({ key: entry.key, value: next as unknown as Json })
    await store.commit(change)
    return next
  })
}

/** Gives back the address of one network. */
export async function giveLease(services: NetworkServices, container: string, network: string): Promise<void> {
  const { store } = services
  await retried(async () => {
    const [entry] = await store.get([attachmentKey(container)])
    const attachment = entry?.value as unknown as Attachment | undefined
    if (entry === undefined || attachment === undefined) return
    const gone = attachment.networks.filter((connected) => connected.network.id === network)
    const next: Attachment = { ...attachment, networks: attachment.networks.filter((connected) => !gone.includes(connected)) }
    await store.commit({
      checks: [{ key: entry.key, version: entry.version }],
      puts: [{ key: entry.key, value: next as unknown as Json }],
      deletes: gone.flatMap(({ addresses }) => addresses.map((address) => addressKey(network, address))),
    })
  })
}

/** Gives everything back that a container had, and with it the note that it was connected. */
export async function giveLeases(services: NetworkServices, container: string): Promise<void> {
  const { store } = services
  await retried(async () => {
    const [entry] = await store.get([attachmentKey(container)])
    const attachment = entry?.value as unknown as Attachment | undefined
    if (entry === undefined || attachment === undefined) return
    const ports = await portsWithout(store, container, attachment.ports)
    const last: LastLeases = {
      addresses: Object.fromEntries(attachment.networks.map(({ network, addresses }) => [network.id, addresses])),
      ports: attachment.ports,
    }
    const stays = await services.containers.exists(container)
    await store.commit({
      checks: [{ key: entry.key, version: entry.version }, ...ports.checks],
      puts: [...ports.puts, ...(stays ? [{ key: lastKey(container), value: last as unknown as Json }] : [])],
      deletes: [
        entry.key,
        ...attachment.networks.flatMap(({ network, addresses }) => addresses.map((address) => addressKey(network.id, address))),
        ...ports.deletes,
      ],
    })
  })
}

/** Changes what is written of a container, unless that is gone; gives how it is afterwards. */
export async function updateAttachment(
  services: NetworkServices,
  container: string,
  change: (attachment: Attachment) => Attachment | undefined,
): Promise<Attachment | undefined> {
  return retried(async () => {
    const [entry] = await services.store.get([attachmentKey(container)])
    if (entry === undefined) return undefined
    const before = entry.value as unknown as Attachment
    const next = change(before)
    if (next === undefined) return before
    await services.store.commit({
      checks: [{ key: entry.key, version: entry.version }],
      puts: [{ key: entry.key, value: next as unknown as Json }],
    })
    return next
  })
}

/** A container that is removed needs nothing again. */
export async function forgetLast({ store }: NetworkServices, container: string): Promise<void> {
  const key = lastKey(container)
  const [entry] = await store.get([key])
  if (entry !== undefined) await store.commit({ deletes: [key] })
}

async function readLast({ store }: NetworkServices, container: string): Promise<LastLeases | undefined> {
  const [entry] = await store.get([lastKey(container)])
  return entry?.value as unknown as LastLeases | undefined
}

type Change = { readonly [Key in 'checks' | 'puts']: NonNullable<StateChange[Key]>[number][] }

function newChange(): Change {
  return { checks: [], puts: [] }
}

function add(change: Change, more: Pick<StateChange, 'checks' | 'puts'>): void {
  change.checks.push(...(more.checks ?? []))
  change.puts.push(...(more.puts ?? []))
}

async function takeNetwork(
  services: NetworkServices,
  given: {
    readonly wanted: WantedNetwork
    readonly container: string
    readonly interfaceName: string
    readonly last: LastLeases | undefined
  },
  change: Change,
): Promise<Attachment['networks'][number]> {
  const { wanted, container, interfaceName, last } = given
  const { record, aliases = [], staticIps = [], staticMac } = wanted
  const preferred = last?.addresses[record.id] ?? []
  const wish = { ...wishes(services), container, staticIps, preferred }
  const { addresses, change: addressChange } = await chooseAddresses(services.store, record, wish)
  add(change, addressChange)
  return { network: backendNetwork(record), interfaceName, addresses, aliases, ...(staticMac === undefined ? {} : { mac: staticMac }) }
}

/** A record as the backend is told of it. */
export function backendNetwork({ id, name, driver, interfaceName, subnets, internal, dns, options }: NetworkRecord): BackendNetwork {
  const plain = subnets.map(({ subnet, gateway }) => ({ subnet, gateway }))
  return { id, name, driver, interfaceName, subnets: plain, internal, dns, options }
}

/** `eth0`, `eth1` and so on, where no other name was asked for. */
function interfaceNames(networks: readonly WantedNetwork[], taken: readonly string[]): string[] {
  const used = new Set([...taken, ...networks.flatMap(({ interfaceName }) => interfaceName ?? [])])
  return networks.map(({ interfaceName }) => {
    if (interfaceName !== undefined) return interfaceName
    for (let at = 0; ; at++) {
      const name = `eth${at}`
      if (used.has(name)) continue
      used.add(name)
      return name
    }
  })
}

/** netavark would fail, and what is taken back then is the link of the other network. */
export function interfaceTaken(container: string, interfaceName: string, network: string): LibpodError {
  return new LibpodError(
    'conflict',
    `interfaceName: ${interfaceName} of container ${container} leads to network ${network}.`,
    { what: interfaceName },
    { hint: 'Take another name, or leave it out.' },
  )
}

function wishes(services: NetworkServices): { nameOf(id: string): Promise<string>; leaving(id: string): Promise<boolean> } {
  return {
    nameOf: (id) => services.containers.nameOf(id),
    leaving: (id) => hasLeft(services, id),
  }
}

/** Waits for a container that is just leaving. `false`: it stays. */
async function hasLeft({ store, locks, isOwnerAlive }: NetworkServices, container: string): Promise<boolean> {
  const attachment = await readAttachment(store, container)
  if (attachment === undefined) return true
  if (attachment.phase !== 'leaving' || !isOwnerAlive(attachment.owner)) return false
  const release = await locks.acquire(setupLock)
  await release()
  await sleep(1)
  return true
}

/** Whoever sets up or takes down holds this lock. */
export const setupLock = 'network/setup'

/** Does it again when another writer was faster. What stands against it for good is no such conflict: it has a hint of what to do. */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isLibpodError(error, 'conflict') || error.hint !== undefined || attempt === tries) throw error
      await sleep(Math.random() * Math.min(attempt, 50))
    }
  }
}
