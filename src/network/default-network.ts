import { newId } from '../base/ids.ts'
import { addNetwork, bridgeName, creationLock } from './add-network.ts'
import { allNetworks, findNetwork, type NetworkRecord } from './record.ts'
import type { NetworkServices } from './services.ts'
import { chooseSubnet, usedSubnets } from './subnets.ts'

/**
 * The default network, which is made when it is first needed. As with Podman it has no DNS. Its usual subnet may be in use on this
 * host, by Podman's own default network first of all: then it is the next free one.
 */
export async function defaultNetwork(services: NetworkServices): Promise<NetworkRecord> {
  const { network: conf } = services.config
  const found = await findByName(services, conf.defaultNetwork)
  if (found !== undefined) return found
  const release = await services.locks.acquire(creationLock)
  try {
    const again = await findByName(services, conf.defaultNetwork)
    if (again !== undefined) return again
    const networks = await allNetworks(services.registry)
    return await addNetwork(services, {
      id: newId(),
      name: conf.defaultNetwork,
      createdAt: new Date().toISOString(),
      driver: (await services.backend.info()).drivers[0] ?? 'bridge',
      backend: services.backend.name,
      interfaceName: await bridgeName(networks),
      subnets: [await chooseSubnet(conf, await usedSubnets(networks), conf.defaultSubnet)],
      internal: false,
      dns: false,
      labels: {},
      options: {},
    })
  } finally {
    await release()
  }
}

/** By its name alone: an id may begin like it. */
async function findByName({ registry }: NetworkServices, name: string): Promise<NetworkRecord | undefined> {
  const found = await findNetwork(registry, name)
  return found?.name === name ? found : undefined
}
