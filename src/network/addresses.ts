import { isIP } from 'node:net'
import { once } from '../base/once.ts'

/** A network address, without its prefix. */
export interface Address {
  readonly version: 4 | 6
  readonly value: bigint
}

/** A range of addresses as CIDR names it. */
export interface Subnet {
  /** As `10.88.0.0/16`: the network's own address. */
  readonly text: string
  readonly version: 4 | 6
  readonly prefix: number
  /** The network's own address. */
  readonly first: bigint
  /** The broadcast address. */
  readonly last: bigint
}

/** Arithmetic of addresses; the library behind it is loaded at the first use. */
export interface Addresses {
  /** `undefined` for what is no subnet. `10.88.0.7/16` is `10.88.0.0/16`. */
  subnet(text: string): Subnet | undefined
  /** `undefined` for what is no address. */
  address(text: string): Address | undefined
  format(address: Address): string
}

/** Loads the arithmetic, once. */
export const loadAddresses = once<Addresses>(async () => {
  const { Address4, Address6 } = await import('ip-address')
  const format = ({ version, value }: Address): string =>
    version === 4 ? Address4.fromBigInt(value).correctForm() : Address6.fromBigInt(value).correctForm()
  const address = (text: string): Address | undefined => {
    if (text.includes('/')) return undefined
    if (Address4.isValid(text)) return { version: 4, value: new Address4(text).bigInt() }
    return Address6.isValid(text) && !text.includes('%') ? { version: 6, value: new Address6(text).bigInt() } : undefined
  }
  const subnet = (text: string): Subnet | undefined => {
    const [ip = '', bits = '', ...rest] = text.split('/')
    const base = address(ip)
    const size = base?.version === 4 ? 32 : 128
    if (base === undefined || !/^\d{1,3}$/.test(bits) || Number(bits) > size || rest.length > 0) return undefined
    const host = 2n ** BigInt(size - Number(bits))
    const first = base.value - (base.value % host)
    const { version } = base
    const prefix = Number(bits)
    return { text: `${format({ version, value: first })}/${prefix}`, version, prefix, first, last: first + host - 1n }
  }
  return { subnet, address, format }
})

/** Whether two ranges have an address in common. */
export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.version === b.version && a.first <= b.last && b.first <= a.last
}

/** Whether an address lies in a range. */
export function contains(subnet: Subnet, { version, value }: Address): boolean {
  return version === subnet.version && value >= subnet.first && value <= subnet.last
}

/** Whether a text is an address by itself. One with a zone, as `fe80::1%eth0`, is of a link, and means nothing in another namespace. */
export function isPlainAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes('%')
}
