import { type CreateNetworkOptions, createNetwork } from './create.ts'
import { iterateNetworks, type ListNetworksOptions, listNetworks } from './list.ts'
import { Network } from './network.ts'
import { type PruneNetworksOptions, type PruneNetworksResult, pruneNetworks } from './prune.ts'
import { findNetwork, type NetworkSummary } from './record.ts'
import type { NetworkServices } from './services.ts'
import { requireNetwork } from './store.ts'

/**
 * The networks of a runtime. The default one is made when a container first needs it.
 *
 * @public
 */
export class Networks {
  readonly #services: NetworkServices

  /** @internal */
  constructor(services: NetworkServices) {
    this.#services = services
  }

  /**
   * Creates a network.
   *
   * Rejects with `invalid-argument` (and the option's path), `already-exists` (the name), `conflict` (the subnet or bridge is in use),
   * `unsupported` (a driver that is not there), `unavailable` (netavark or aardvark-dns is missing).
   *
   * @example
   * ```ts
   * const network = await runtime.networks.create({ name: 'web', subnets: [{ subnet: '10.89.7.0/24' }] })
   * await runtime.containers.run({
   *   image: 'localhost/busybox',
   *   command: ['ip', 'address'],
   *   network: { networks: [{ name: network.name }] },
   * })
   * ```
   */
  async create(options?: CreateNetworkOptions): Promise<Network> {
    return this.ref((await createNetwork(this.#services, options)).name)
  }

  /** The network of a name, an id, or the beginning of one. Rejects with `not-found` or `ambiguous`. */
  async get(nameOrId: string): Promise<Network> {
    return this.ref((await requireNetwork(this.#services, nameOrId)).name)
  }

  /** As `get`, but `undefined` where there is none. */
  async find(nameOrId: string): Promise<Network | undefined> {
    const record = await findNetwork(this.#services.registry, nameOrId)
    return record && this.ref(record.name)
  }

  /** A handle for a name, without looking whether the network exists. */
  ref(name: string): Network {
    return new Network(this.#services, name)
  }

  /** Whether there is a network of this name or id. */
  async exists(nameOrId: string): Promise<boolean> {
    return (await findNetwork(this.#services.registry, nameOrId)) !== undefined
  }

  /** The networks that match, as plain data, in the order of their ids. */
  list(options?: ListNetworksOptions): Promise<NetworkSummary[]> {
    return listNetworks(this.#services, options)
  }

  /** As `list`, one by one. */
  iterate(options?: ListNetworksOptions): AsyncIterable<NetworkSummary> {
    return iterateNetworks(this.#services, options)
  }

  /** Removes the networks that no container uses; the default one stays. */
  prune(options?: PruneNetworksOptions): Promise<PruneNetworksResult> {
    return pruneNetworks(this.#services, options)
  }
}
