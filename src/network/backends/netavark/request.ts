import { LibpodError } from '../../../base/errors.ts'
import type { ConnectedNetwork, MappedPort, NetworkRequest, NetworkSetup } from '../../backend.ts'

/**
 * What netavark reads from its stdin. It names firewall chains and DNS files after the networks' names: it is told their ids, which
 * no other engine on this host has, Podman included.
 */
export function requestText({ container, networks, ports, dnsServers }: Omit<NetworkRequest, 'namespace'>): string {
  return JSON.stringify({
    container_id: container.id,
    container_name: container.name,
    port_mappings: portMappings(ports),
    ...(dnsServers.length === 0 ? {} : { dns_servers: dnsServers }),
    networks: Object.fromEntries(networks.map((connected) => [connected.network.id, networkOptions(connected, container.id)])),
    network_info: Object.fromEntries(networks.map(({ network }) => [network.id, networkInfo(network)])),
  })
}

interface PortMapping {
  readonly host_ip: string
  readonly container_port: number
  readonly host_port: number
  range: number
  readonly protocol: string
}

/** Ports in a row are one mapping: netavark starts several programs for each. */
function portMappings(ports: readonly MappedPort[]): readonly PortMapping[] {
  const mappings: PortMapping[] = []
  for (const { protocol, hostIp, hostPort, containerPort } of ports) {
    const last = mappings.at(-1)
    const follows =
      last?.protocol === protocol &&
      last.host_ip === hostIp &&
      last.container_port + last.range === containerPort &&
      last.host_port + last.range === hostPort
    if (follows) last.range += 1
    else mappings.push({ host_ip: hostIp, container_port: containerPort, host_port: hostPort, range: 1, protocol })
  }
  return mappings
}

function networkOptions({ interfaceName, addresses, mac, aliases }: ConnectedNetwork, container: string): object {
  return {
    interface_name: interfaceName,
    static_ips: addresses,
    // As with Podman, a container is also called by the beginning of its id.
    aliases: [...aliases, container.slice(0, 12)],
    ...(mac === undefined ? {} : { static_mac: mac }),
  }
}

function networkInfo({ id, driver, interfaceName, subnets, internal, dns, options }: ConnectedNetwork['network']): object {
  return {
    name: id,
    id,
    driver,
    network_interface: interfaceName,
    subnets: subnets.map(({ subnet, gateway }) => ({ subnet, gateway })),
    ipv6_enabled: false,
    internal,
    dns_enabled: dns,
    ipam_options: { driver: 'host-local' },
    options,
  }
}

interface StatusBlock {
  readonly interfaces?: Readonly<Record<string, { readonly mac_address?: string }>>
  readonly dns_server_ips?: readonly string[]
  readonly dns_search_domains?: readonly string[]
}

/** What netavark says it has done. */
export function parseStatus(text: string, { networks }: Pick<NetworkRequest, 'networks'>): NetworkSetup {
  let status: Readonly<Record<string, StatusBlock>>
  try {
    status = JSON.parse(text) as typeof status
  } catch (cause) {
    throw new LibpodError('internal', `netavark gave no JSON: ${text.slice(0, 200)}`, { what: 'netavark' }, { cause })
  }
  return Object.fromEntries(
    networks.map(({ network: { id }, interfaceName }) => {
      const block = status[id]
      const mac = block?.interfaces?.[interfaceName]?.mac_address ?? ''
      return [id, { mac, dnsServers: block?.dns_server_ips ?? [], searchDomains: block?.dns_search_domains ?? [] }]
    }),
  )
}
