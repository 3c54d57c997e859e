import { isIPv6 } from 'node:net'
import { AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SO_REUSEADDR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET } from '../native/constants.ts'
import { libc } from '../native/libc.ts'

/** A port of this host. */
export interface HostPort {
  readonly protocol: 'tcp' | 'udp'
  /** An address of this host; every IPv4 address if empty. */
  readonly hostIp: string
  /** 0: one that the kernel chooses. */
  readonly port: number
}

/** A port that is held: nobody else can bind it until the descriptor is closed. */
export interface BoundSocket {
  readonly fd: number
  readonly port: number
}

/** Binds a port and holds it. Throws EADDRINUSE when another program has it, EADDRNOTAVAIL for an address that is not this host's. */
export function bindPort({ protocol, hostIp, port }: HostPort): BoundSocket {
  const isV6 = isIPv6(hostIp)
  const fd = libc().socket(isV6 ? AF_INET6 : AF_INET, protocol === 'tcp' ? SOCK_STREAM : SOCK_DGRAM)
  try {
    if (isV6) libc().setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)
    // What is left of connections that have ended must not count. Of two who say so only one can listen.
    if (protocol === 'tcp') libc().setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1)
    libc().bind(fd, isV6 ? addressV6(hostIp, port) : addressV4(hostIp === '' ? '0.0.0.0' : hostIp, port))
    if (protocol === 'tcp') libc().listen(fd, 1)
    const bound = Buffer.alloc(28)
    libc().getsockname(fd, bound)
    return { fd, port: bound.readUInt16BE(2) }
  } catch (error) {
    libc().close(fd)
    throw error
  }
}

/** A sockaddr_in: family, port and address, the last two in the order of the network. */
function addressV4(ip: string, port: number): Buffer {
  const address = Buffer.alloc(16)
  address.writeUInt16LE(AF_INET, 0)
  address.writeUInt16BE(port, 2)
  for (const [at, byte] of ip.split('.').entries()) address.writeUInt8(Number(byte), 4 + at)
  return address
}

/** A sockaddr_in6: family, port, flow, address, scope. */
function addressV6(ip: string, port: number): Buffer {
  const address = Buffer.alloc(28)
  address.writeUInt16LE(AF_INET6, 0)
  address.writeUInt16BE(port, 2)
  for (const [at, group] of groupsOf(ip).entries()) address.writeUInt16BE(group, 8 + at * 2)
  return address
}

/** The eight groups of an IPv6 address, `::` filled in. */
function groupsOf(ip: string): number[] {
  const [head = '', tail] = ip.replace(/%.*/, '').split('::')
  const parse = (text: string): number[] => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))
  const [before, after] = [parse(head), parse(tail ?? '')]
  return tail === undefined ? before : [...before, ...Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after]
}
