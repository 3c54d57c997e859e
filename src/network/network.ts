import type { AbortOptions } from '../base/abort.ts'
import type { ConnectNetworkOptions } from './connect-options.ts'
import { inspectNetwork, type NetworkInspect } from './inspect.ts'
import { type RemoveNetworkOptions, removeNetwork } from './remove.ts'
import type { NetworkServices } from './services.ts'

/** Options of {@link Network.disconnect}. @public */
export interface DisconnectNetworkOptions extends AbortOptions {}

/**
 * A network: its name, and what can be done with it. A handle keeps no state. Verbs reject with `not-found` when the network is gone.
 *
 * @example
 * ```ts
 * const network = await runtime.networks.create({ name: 'web' })
 * const container = await runtime.containers.create({ image: 'localhost/busybox', command: ['sleep', '60'] })
 * await container.start()
 * await network.connect(container.id, { aliases: ['db'] })
 * ```
 *
 * @public
 */
export class Network {
  /** Unique among networks; it does not change. */
  readonly name: string
  readonly #services: NetworkServices

  /** @internal */
  constructor(services: NetworkServices, name: string) {
    this.#services = services
    this.name = name
  }

  /** All that is known of it, and who is connected. */
  inspect(): Promise<NetworkInspect> {
    return inspectNetwork(this.#services, this.name)
  }

  /**
   * Connects a container, by id or name: at once if it runs, and at each of its starts. Rejects with `conflict` when it is
   * connected already, or no address is free; with `invalid-state` for a container without networks of its own.
   */
  connect(container: string, options: ConnectNetworkOptions = {}): Promise<void> {
    return this.#services.containers.connect(this.name, container, options)
  }

  /** Disconnects a container, by id or name. Rejects with `not-found` when it is not connected. */
  disconnect(container: string, options: DisconnectNetworkOptions = {}): Promise<void> {
    return this.#services.containers.disconnect(this.name, container, options)
  }

  /** Removes it. Rejects with `in-use` when containers use it, running or not, unless `force`, which removes them too. */
  remove(options?: RemoveNetworkOptions): Promise<{ changed: boolean }> {
    return removeNetwork(this.#services, this.name, options)
  }
}
