import type { AbortOptions } from '../base/abort.ts'

/**
 * The contract of what connects containers: links, addresses, firewall rules, DNS.
 *
 * **The model.** A container is a network namespace. `setup` connects it to some networks, with the addresses and ports that were leased for
 * it, and makes what the networks themselves need on this host (a bridge, rules) where that is missing. `teardown` takes the same
 * away, and what the networks need with the last container. Networks, addresses and ports are the engine's: a backend is told.
 *
 * **The rules.** 1. Nothing is kept here: a request says all, and the request of the setup is that of the teardown, from any process.
 * 2. A setup that fails may leave something; its teardown takes that away. 3. `teardown` finishes also what was cut off at any point, what
 * is gone in part, and what has lost its namespace; of what is not there it says nothing. 4. The engine makes one call at a
 * time for all containers of a run root. 5. `validate` looks at a network by itself, and refuses with `unsupported` or `invalid-argument`.
 *
 * **An example.**
 * ```ts
 * const status = await backend.setup(request) // { podman: { interfaces: { eth0: … }, … } }
 * await backend.teardown({ ...request, emptied: [], interrupted: false })
 * ```
 *
 * The conformance cases lie beside this file in `backend.cases.ts`.
 *
 * @public
 */
export interface NetworkBackend {
  /** `netavark`. Kept with what it has set up. */
  readonly name: string
  /** What the backend decides by itself: which networks there are, which addresses containers get. */
  readonly owns: { readonly config: boolean; readonly addresses: boolean }
  /** How this host reaches a container: by its address, or only by its published ports. */
  readonly reach: 'address' | 'ports'
  /** Into how many networks one container can be connected, where there is a limit. */
  readonly maxNetworks?: number
  /** The programs it works with. Rejects with `unavailable` where one is missing. */
  info(): Promise<NetworkBackendInfo>
  /** Refuses a network that it could not set up. */
  validate(network: BackendNetwork): Promise<void>
  /** Connects a namespace; gives what became of each network, by its id. */
  setup(request: NetworkRequest, options?: AbortOptions): Promise<NetworkSetup>
  teardown(request: NetworkTeardown): Promise<void>
}

/** What a backend works with. @public */
export interface NetworkBackendInfo {
  readonly version: string
  readonly path: string
  /** What answers for the names of containers, where it is there. */
  readonly dns?: { readonly path: string }
  /** The kinds of networks that it knows. */
  readonly drivers: readonly string[]
}

/** A network as a backend is told of it. @public */
export interface BackendNetwork {
  readonly id: string
  readonly name: string
  readonly driver: string
  /** The link on the host that stands for the network: the bridge. */
  readonly interfaceName: string
  readonly subnets: readonly { readonly subnet: string; readonly gateway: string }[]
  /** No way out. */
  readonly internal: boolean
  /** Containers find each other by their names. */
  readonly dns: boolean
  /** The driver's own options, as `mtu`. */
  readonly options: Readonly<Record<string, string>>
}

/** A network that a container is connected to. @public */
export interface ConnectedNetwork {
  readonly network: BackendNetwork
  /** The link in the container. */
  readonly interfaceName: string
  /** One for each subnet. */
  readonly addresses: readonly string[]
  readonly mac?: string
  /** Further names. */
  readonly aliases: readonly string[]
}

/** A port of the host that leads into a container. @public */
export interface MappedPort {
  readonly protocol: 'tcp' | 'udp'
  /** Empty: every address of the host. */
  readonly hostIp: string
  readonly hostPort: number
  readonly containerPort: number
}

/** What is set up for a container. @public */
export interface NetworkRequest {
  /** The file of its network namespace. */
  readonly namespace: string
  readonly container: { readonly id: string; readonly name: string }
  readonly networks: readonly ConnectedNetwork[]
  readonly ports: readonly MappedPort[]
  /** Whom the networks' DNS asks for names that it does not know; the host's servers if empty. */
  readonly dnsServers: readonly string[]
}

/** What is taken away. @public */
export interface NetworkTeardown extends Omit<NetworkRequest, 'namespace'> {
  /** Absent when it is gone. */
  readonly namespace?: string | undefined
  /** Ids of those networks that no other container is connected to; of interest where the namespace is gone. */
  readonly emptied: readonly string[]
  /** Whoever made the last call for this container was killed: what it had started may be at work still. */
  readonly interrupted: boolean
}

/** What became of each network, by its id. @public */
export type NetworkSetup = Readonly<Record<string, ConnectedStatus>>

/** A container's place in a network. @public */
export interface ConnectedStatus {
  readonly mac: string
  /** Who answers for names. */
  readonly dnsServers: readonly string[]
  readonly searchDomains: readonly string[]
}
