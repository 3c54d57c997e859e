import { readFileSync } from 'node:fs'
import { readAttachment } from '../../network/attachment.ts'
import { type HostEntry, hostAddress, hostsText } from '../../network/hosts.ts'
import { allNetworks } from '../../network/record.ts'
import { resolvConfText } from '../../network/resolv-conf.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/** The texts of `/etc/hosts` and `/etc/resolv.conf` of a container; one that is absent is left to the image. */
export interface EtcFiles {
  readonly hosts?: string
  readonly resolvConf?: string
}

/** Where systemd-resolved keeps what it asks itself: the usual file names only its own server on loopback. */
const resolvedFile = '/run/systemd/resolve/resolv.conf'

/** Makes both files from the container's leases, the host's files and the options. */
export async function etcFiles(services: ContainersServices, record: ContainerRecord): Promise<EtcFiles> {
  const [hosts, resolvConf] = await Promise.all([hostsOf(services, record), resolvConfOf(services, record)])
  return { ...(hosts === undefined ? {} : { hosts }), ...(resolvConf === undefined ? {} : { resolvConf }) }
}

async function hostsOf(services: ContainersServices, record: ContainerRecord): Promise<string | undefined> {
  const { options, name, id } = record
  const { noHosts, hostContainersInternalIp } = services.config.containers
  if (noHosts) return undefined
  const attachment = await readAttachment(services.network.store, id)
  const host = attachment === undefined ? undefined : (hostContainersInternalIp ?? (await addressOfHost(services)))
  const gateway = host ?? attachment?.networks[0]?.network.subnets[0]?.gateway
  const names = [options.hostname, name]
  const addresses = attachment?.networks.flatMap((network) => network.addresses) ?? []
  const own: HostEntry[] =
    options.network === 'host' ? [] : (addresses.length === 0 ? ['127.0.0.1'] : addresses).map((address) => ({ address, names }))
  const extra = options.extraHosts.map(({ name: extraName, address }) => ({
    address: address === 'host-gateway' ? (gateway ?? '127.0.0.1') : address,
    names: [extraName],
  }))
  return hostsText({ base: readText('/etc/hosts'), extra, host, own })
}

async function addressOfHost({ registry }: ContainersServices): Promise<string | undefined> {
  return hostAddress(new Set((await allNetworks(registry)).map(({ interfaceName }) => interfaceName)))
}

async function resolvConfOf(services: ContainersServices, record: ContainerRecord): Promise<string | undefined> {
  const { network, dns } = record.options
  const sharesHost = network === 'host'
  if (network === 'none' || (typeof network === 'object' && 'container' in network)) return undefined
  const attachment = await readAttachment(services.network.store, record.id)
  const withDns = (attachment?.networks ?? []).filter((connected) => connected.network.dns)
  const { dnsServers, dnsSearches, dnsOptions } = services.config.containers
  const file = readText('/etc/resolv.conf')
  return resolvConfText({
    host: !sharesHost && /^nameserver\s+127\.0\.0\.53\s*$/m.test(file) ? readText(resolvedFile) || file : file,
    sharesHost,
    // Of a namespace that is somebody else's nothing is known.
    ipv6: sharesHost || (typeof network === 'object' && 'path' in network),
    servers: dns.servers.length > 0 ? dns.servers : dnsServers,
    searches: dns.searches.length > 0 ? dns.searches : dnsSearches,
    options: dns.options.length > 0 ? dns.options : dnsOptions,
    networkServers: withDns.flatMap((connected) => connected.network.subnets.map(({ gateway }) => gateway)),
    networkSearches: withDns.length > 0 ? ['dns.podman'] : [],
  })
}

/** A host without one of them is a host whose names are looked up elsewhere. Small files that the kernel has at hand are read at once. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
