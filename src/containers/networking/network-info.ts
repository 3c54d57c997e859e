import { readAttachment } from '../../network/attachment.ts'
import type { ContainersServices } from '../services.ts'

/** A container's place in a network, while it is connected. @public */
export interface ContainerNetworkInfo {
  readonly id: string
  readonly name: string
  readonly interfaceName: string
  readonly addresses: readonly string[]
  readonly gateways: readonly string[]
  readonly mac?: string
  readonly aliases: readonly string[]
}

/** The networks that a container is connected to now. */
export async function networkInfo({ network }: ContainersServices, id: string): Promise<ContainerNetworkInfo[]> {
  const attachment = await readAttachment(network.store, id)
  if (attachment === undefined || attachment.phase === 'leaving') return []
  return attachment.networks.map(({ network: { id: networkId, name, subnets }, interfaceName, addresses, mac, aliases, status }) => {
    const known = status?.mac ?? mac
    const gateways = subnets.map(({ gateway }) => gateway)
    return { id: networkId, name, interfaceName, addresses, gateways, aliases, ...(known === undefined ? {} : { mac: known }) }
  })
}
