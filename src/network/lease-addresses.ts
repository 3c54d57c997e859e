import { LibpodError } from '../base/errors.ts'
import type { StateChange, StateStore } from '../state/state-store.ts'
import { type Addresses, contains, loadAddresses, type Subnet } from './addresses.ts'
import { addressKey, pointerKey } from './attachment.ts'
import type { NetworkRecord, NetworkSubnet } from './record.ts'

/** Addresses that are chosen, and the change of the store that takes them. */
export interface ChosenAddresses {
  readonly addresses: readonly string[]
  readonly change: Required<Pick<StateChange, 'checks' | 'puts'>>
}

/** How the addresses of one network are chosen. */
export interface AddressWish {
  readonly container: string
  readonly staticIps: readonly string[]
  /** Those of the last run. */
  readonly preferred: readonly string[]
  /** Somebody who is just leaving has one: waits for that, and tells whether it was so. */
  leaving(container: string): Promise<boolean>
  /** Tells who has an address that was asked for. */
  nameOf(container: string): Promise<string>
}

/** So many addresses are looked at together. */
const width = 128

/** Chooses one address of each subnet of a network: the one asked for, that of the last run, or the next free one, round robin. */
export async function chooseAddresses(store: StateStore, network: NetworkRecord, wish: AddressWish): Promise<ChosenAddresses> {
  const tools = await loadAddresses()
  const { container } = wish
  const asked = checkStatic(tools, network, wish.staticIps)
  const addresses: string[] = []
  const puts: { key: string; value: string }[] = []
  for (const [at, subnet] of network.subnets.entries()) {
    const range = rangeOf(tools, subnet)
    const wanted = asked.find((text) => isIn(tools, range.subnet, text))
    if (wanted !== undefined) await checkFree(store, network, wanted, wish)
    const last = wish.preferred.find((text) => isIn(tools, range.subnet, text) && text !== subnet.gateway)
    const isFree = async (text: string): Promise<boolean> => (await store.get([addressKey(network.id, text)]))[0] === undefined
    if (wanted !== undefined) addresses.push(wanted)
    else if (last !== undefined && (await isFree(last))) addresses.push(last)
    else {
      const [pointer] = await store.get([pointerKey(network.id, at)])
      const next = await nextFree(store, tools, { network, range, pointer: tools.address(String(pointer?.value ?? ''))?.value }, wish)
      addresses.push(next)
      puts.push({ key: pointerKey(network.id, at), value: next })
    }
  }
  const keys = addresses.map((address) => addressKey(network.id, address))
  puts.push(...keys.map((key) => ({ key, value: container })))
  return { addresses, change: { checks: keys.map((key) => ({ key, exists: false })), puts } }
}

interface LeaseRange {
  readonly subnet: Subnet
  readonly gateway: string
  readonly first: bigint
  readonly last: bigint
}

/** The addresses that are handed out: not the network's own and the broadcast address. */
function rangeOf(tools: Addresses, { subnet: text, gateway, leaseRange }: NetworkSubnet): LeaseRange {
  const subnet = tools.subnet(text)
  if (subnet === undefined) throw new LibpodError('corrupt', `The subnet ${text} of a network cannot be read.`, { what: text })
  const value = (address: string | undefined): bigint | undefined => (address === undefined ? undefined : tools.address(address)?.value)
  return {
    subnet,
    gateway,
    first: value(leaseRange?.first) ?? subnet.first + 1n,
    last: value(leaseRange?.last) ?? subnet.last - 1n,
  }
}

interface Search {
  readonly network: NetworkRecord
  readonly range: LeaseRange
  /** What was given out last. */
  readonly pointer: bigint | undefined
}

/** The next free address. When there is none, but somebody is just leaving, it is theirs. */
async function nextFree(store: StateStore, tools: Addresses, search: Search, { leaving }: AddressWish): Promise<string> {
  for (;;) {
    const { free, holders } = await lookAround(store, tools, search)
    if (free !== undefined) return free
    let left = false
    for (const holder of holders) {
      left = await leaving(holder)
      if (left) break
    }
    if (!left) throw allTaken(search)
  }
}

async function lookAround(
  store: StateStore,
  tools: Addresses,
  { network, range: { subnet, gateway, first, last }, pointer }: Search,
): Promise<{ readonly free?: string; readonly holders: ReadonlySet<string> }> {
  const holders = new Set<string>()
  const count = last - first + 1n
  const start = pointer === undefined || pointer < first || pointer >= last ? first : pointer + 1n
  for (let tried = 0n; tried < count; tried += BigInt(width)) {
    const size = Number(count - tried < BigInt(width) ? count - tried : BigInt(width))
    const candidates = Array.from({ length: size }, (_, at) =>
      tools.format({ version: subnet.version, value: first + ((start - first + tried + BigInt(at)) % count) }),
    )
    const entries = await store.get(candidates.map((address) => addressKey(network.id, address)))
    const free = candidates.find((address, at) => entries[at] === undefined && address !== gateway)
    if (free !== undefined) return { free, holders }
    for (const entry of entries) if (entry !== undefined) holders.add(String(entry.value))
  }
  return { holders }
}

function allTaken({ network, range }: Search): LibpodError<'conflict'> {
  return new LibpodError(
    'conflict',
    `All addresses of ${range.subnet.text} in network ${network.name} are in use.`,
    { what: `network ${network.name}` },
    { hint: 'Stop or disconnect containers, or use a network with a larger subnet.' },
  )
}

function isIn(tools: Addresses, subnet: Subnet, text: string): boolean {
  const address = tools.address(text)
  return address !== undefined && contains(subnet, address)
}

function checkStatic(tools: Addresses, network: NetworkRecord, staticIps: readonly string[]): string[] {
  const ranges = network.subnets.map((subnet) => rangeOf(tools, subnet))
  const asked = new Map<LeaseRange, string>()
  for (const text of staticIps) {
    const address = tools.address(text)
    const range = address === undefined ? undefined : ranges.find(({ subnet }) => contains(subnet, address))
    if (address === undefined || range === undefined || address.value === range.subnet.first || address.value === range.subnet.last)
      throw badStatic(text, network, `is no address for a container of ${ranges.map(({ subnet }) => subnet.text).join(', ')}`)
    const plain = tools.format(address)
    if (plain === range.gateway) throw badStatic(text, network, 'is the gateway')
    if (asked.has(range)) throw badStatic(text, network, `is a second one of ${range.subnet.text}`)
    asked.set(range, plain)
  }
  return [...asked.values()]
}

function badStatic(text: string, network: NetworkRecord, what: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `staticIps: ${text} ${what} in network ${network.name}.`,
    { path: 'staticIps', value: text },
    { hint: 'Take one address of each of its subnets at most, or leave it out.' },
  )
}

async function checkFree(
  store: StateStore,
  network: NetworkRecord,
  address: string,
  { nameOf, leaving, container }: AddressWish,
): Promise<void> {
  for (;;) {
    const [entry] = await store.get([addressKey(network.id, address)])
    if (entry === undefined || entry.value === container) return
    const holder = String(entry.value)
    if (await leaving(holder)) continue
    throw new LibpodError(
      'conflict',
      `The address ${address} of network ${network.name} is held by container ${await nameOf(holder)}.`,
      { what: address },
      { hint: 'Stop that container, or take another address.' },
    )
  }
}
