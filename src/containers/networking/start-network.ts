import { type Attachment, readAttachment } from '../../network/attachment.ts'
import type { WantedAttachment } from '../../network/leases.ts'
import { type PreparedNetwork, prepareNetwork, setUpNetwork } from '../../network/set-up.ts'
import { requireNetwork } from '../../network/store.ts'
import type { ContainerRecord, PublishedPort } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/** Takes a container's leases and makes its namespace, if it is in networks of its own. */
export async function startNetwork(services: ContainersServices, record: ContainerRecord): Promise<PreparedNetwork | undefined> {
  const wanted = await wantedOf(services, record)
  return wanted && prepareNetwork(services.network, wanted)
}

/** Connects what {@link startNetwork} has prepared. */
export async function connectNetwork(services: ContainersServices, prepared: PreparedNetwork | undefined): Promise<void> {
  if (prepared !== undefined) await setUpNetwork(services.network, prepared)
}

async function wantedOf(services: ContainersServices, record: ContainerRecord): Promise<WantedAttachment | undefined> {
  const { network, ports, dns } = record.options
  if (typeof network !== 'object' || !('networks' in network)) return undefined
  const networks = await Promise.all(
    network.networks.map(async ({ id, name: _, ...rest }) => ({ ...rest, record: await requireNetwork(services, id) })),
  )
  return { container: record.id, name: record.name, networks, ports, dnsServers: dns.servers }
}

/** The ports of a container that are published now. */
export async function publishedPorts({ network }: ContainersServices, id: string): Promise<PublishedPort[]> {
  return portsOf(await readAttachment(network.store, id))
}

function portsOf(attachment: Attachment | undefined): PublishedPort[] {
  if (attachment === undefined || attachment.phase === 'leaving') return []
  // They are reached through the networks that are set up; into an internal one nothing leads.
  if (attachment.networks.every(({ status, network }) => status === undefined || network.internal)) return []
  return attachment.ports.map(({ containerPort, hostPort, protocol, hostIp }) => ({
    container: containerPort,
    host: hostPort,
    protocol,
    ...(hostIp === '' ? {} : { hostIp }),
  }))
}
