import { LibpodError } from '../base/errors.ts'
import type { NetworkSection } from '../config/containers-conf.ts'
import { hostNetworks } from '../linux/network/host-network.ts'
import { type Address, type Addresses, contains, loadAddresses, overlaps, type Subnet } from './addresses.ts'
import type { NetworkSubnet, NetworkSummary } from './record.ts'

/** A range of addresses that the caller wants for a network. @public */
export interface NetworkSubnetOptions {
  /** As `10.89.1.0/24`. */
  readonly subnet: string
  /** The first address of the subnet if not given. */
  readonly gateway?: string | undefined
  /** Containers get addresses of this range only; of the whole subnet if not given. */
  readonly leaseRange?: { readonly first: string; readonly last: string } | undefined
}

/** What a subnet is in use for, for messages. */
interface UsedSubnet {
  readonly subnet: Subnet
  readonly by: string
}

/** All subnets that a new network must keep clear of: those of other networks, and those this host is connected to. */
export async function usedSubnets(networks: readonly Pick<NetworkSummary, 'name' | 'subnets'>[]): Promise<UsedSubnet[]> {
  const tools = await loadAddresses()
  const ofNetworks = networks.flatMap(({ name, subnets }) => subnets.map(({ subnet }) => ({ text: subnet, by: `the network ${name}` })))
  const ofHost = (await hostNetworks()).map((text) => ({ text, by: 'this host' }))
  return [...ofNetworks, ...ofHost].flatMap(({ text, by }) => {
    const subnet = tools.subnet(text)
    return subnet === undefined ? [] : [{ subnet, by }]
  })
}

/** The first free subnet of the pools of containers.conf; of `preferred` first of all. Rejects with `conflict` when none is left. */
export async function chooseSubnet(
  { defaultSubnetPools }: Pick<NetworkSection, 'defaultSubnetPools'>,
  used: readonly UsedSubnet[],
  preferred?: string,
): Promise<NetworkSubnet> {
  const tools = await loadAddresses()
  for (const candidate of candidates(tools, defaultSubnetPools, preferred)) {
    const taken = used.find(({ subnet }) => overlaps(subnet, candidate))
    if (taken === undefined) return { subnet: candidate.text, gateway: firstAddress(tools, candidate) }
  }
  throw new LibpodError(
    'conflict',
    `No subnet is free: all ${defaultSubnetPools.map(({ base, size }) => `/${size} of ${base}`).join(', ')} are in use.`,
    { what: 'subnet' },
    { hint: 'Remove networks that are not needed, give a subnet, or add pools to default_subnet_pools in containers.conf.' },
  )
}

function* candidates(
  tools: Addresses,
  pools: NetworkSection['defaultSubnetPools'],
  preferred: string | undefined,
): Generator<Subnet, void> {
  const first = preferred === undefined ? undefined : tools.subnet(preferred)
  if (first !== undefined) yield first
  for (const { base, size } of pools) {
    const pool = tools.subnet(base)
    if (pool === undefined || pool.version !== 4 || size < pool.prefix || size > 30) throw badPool(base, size)
    const step = 2n ** BigInt(32 - size)
    for (let at = pool.first; at < pool.last; at += step)
      yield { text: `${tools.format({ version: 4, value: at })}/${size}`, version: 4, prefix: size, first: at, last: at + step - 1n }
  }
}

/** Checks the subnets that the caller wants, and completes them. */
export async function checkSubnets(given: readonly NetworkSubnetOptions[], used: readonly UsedSubnet[]): Promise<NetworkSubnet[]> {
  const tools = await loadAddresses()
  const own: UsedSubnet[] = []
  const notForMachines = ['0.0.0.0/8', '224.0.0.0/4'].flatMap((range) => tools.subnet(range) ?? [])
  return given.map(({ subnet: text, gateway, leaseRange }, at) => {
    const path = `subnets[${at}]`
    const subnet = tools.subnet(text)
    if (subnet === undefined) throw bad(`${path}.subnet`, text, 'is no subnet', 'Write it as in 10.89.1.0/24.')
    if (subnet.version === 6) throw noIPv6(path, text)
    if (subnet.prefix > 30) throw bad(`${path}.subnet`, text, 'has no room for a gateway and a container', 'Take a /30 or larger.')
    if (notForMachines.some((range) => overlaps(range, subnet)))
      throw bad(
        `${path}.subnet`,
        text,
        'has addresses that no machine can have',
        'Take one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.',
      )
    const taken = [...used, ...own].find((other) => overlaps(other.subnet, subnet))
    if (taken !== undefined) throw overlapping(`${path}.subnet`, text, taken)
    own.push({ subnet, by: 'another subnet of this network' })
    const inside = (value: string, where: string): Address => {
      const address = tools.address(value)
      if (address !== undefined && contains(subnet, address) && address.value !== subnet.first && address.value !== subnet.last)
        return address
      throw bad(where, value, `is no address of ${subnet.text} for a machine`, 'Take one between its first and its last.')
    }
    if (gateway !== undefined) inside(gateway, `${path}.gateway`)
    if (leaseRange !== undefined) {
      const first = inside(leaseRange.first, `${path}.leaseRange.first`)
      const last = inside(leaseRange.last, `${path}.leaseRange.last`)
      if (first.value > last.value) throw bad(`${path}.leaseRange`, leaseRange.last, 'lies before its first address', 'Swap them.')
    }
    return { subnet: subnet.text, gateway: gateway ?? firstAddress(tools, subnet), ...(leaseRange === undefined ? {} : { leaseRange }) }
  })
}

function firstAddress(tools: Addresses, { version, first }: Subnet): string {
  return tools.format({ version, value: first + 1n })
}

function bad(path: string, value: string, what: string, hint: string): LibpodError {
  return new LibpodError('invalid-argument', `${path}: ${JSON.stringify(value)} ${what}.`, { path, value }, { hint })
}

function noIPv6(path: string, text: string): LibpodError {
  return new LibpodError(
    'unsupported',
    `${path}.subnet: ${text} is an IPv6 subnet; networks have IPv4 only so far.`,
    { what: 'IPv6 networks' },
    { hint: 'Give an IPv4 subnet.' },
  )
}

function overlapping(path: string, text: string, { subnet, by }: UsedSubnet): LibpodError {
  return new LibpodError(
    'conflict',
    `${path}: ${text} overlaps ${subnet.text}, which ${by} uses.`,
    { what: text },
    { hint: 'Give another subnet, or none: then a free one is chosen.' },
  )
}

function badPool(base: string, size: number): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `network.default_subnet_pools: { base = ${JSON.stringify(base)}, size = ${size} } is no pool of IPv4 subnets.`,
    { path: 'network.default_subnet_pools', value: base },
    { hint: 'Correct containers.conf: the size is the prefix of each subnet, between that of the base and 30.' },
  )
}
