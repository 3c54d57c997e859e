import { LibpodError } from '../base/errors.ts'
import { findNetwork, type NetworkRecord } from './record.ts'
import type { NetworkServices } from './services.ts'

/** The network of an id, the beginning of one, or a name. Rejects with `not-found` or `ambiguous`. */
export async function requireNetwork({ registry }: Pick<NetworkServices, 'registry'>, nameOrId: string): Promise<NetworkRecord> {
  const found = await findNetwork(registry, nameOrId)
  if (found !== undefined) return found
  throw new LibpodError(
    'not-found',
    `There is no network ${JSON.stringify(nameOrId)}.`,
    { kind: 'network', ref: nameOrId },
    { hint: 'networks.list() tells what there is; networks.create() makes one.' },
  )
}

/** The same, where the default network is made if it is that. */
export async function requireOrMake(
  services: NetworkServices,
  nameOrId: string,
  make: (services: NetworkServices) => Promise<NetworkRecord>,
): Promise<NetworkRecord> {
  return nameOrId === services.config.network.defaultNetwork ? make(services) : requireNetwork(services, nameOrId)
}
