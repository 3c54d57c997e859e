import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Closer } from '../base/closer.ts'
import type { Logger } from '../base/logger.ts'
import type { Probe } from '../base/steps.ts'
import type { EngineConfig } from '../config/engine-config.ts'
import type { ContainersServices } from '../containers/services.ts'
import type { Helper } from '../linux/helper/helper.ts'
import { heldAt, makeNamespace } from '../linux/network/namespace.ts'
import type { ProgramParams } from '../linux/network/program-operation.ts'
import { programDirectories } from '../linux/process/find-program.ts'
import { openNetworkNamespace } from '../linux/user-namespace/make-namespaces.ts'
import { isOwnerAlive } from '../locks/owners.ts'
import type { NetworkBackend } from '../network/backend.ts'
import type { ProgramEnd } from '../network/backends/pasta/pasta.ts'
import type { NetworkServices } from '../network/services.ts'
import type { StateStore } from '../state/state-store.ts'
import { builtInNetworkBackend, builtInRootlessBackend } from './defaults.ts'
import { networkContainers } from './network-containers.ts'

/** What the networks of an engine are opened with. */
export interface NetworkOptions extends Pick<NetworkServices, 'registry' | 'locks' | 'background' | 'emit'> {
  readonly config: EngineConfig
  readonly liveStore: StateStore
  readonly helper: Helper
  /** What starts programs where containers are. */
  readonly prefix: readonly string[]
  readonly owners: string
  readonly owner: string
  readonly logger: Logger
  readonly closer: Closer
  readonly probe: Probe | undefined
  /** The containers of the engine, once they are there. */
  containers(): ContainersServices
}

/** Opens the networks: nothing is looked for before it is needed. */
export function openNetwork(options: NetworkOptions): NetworkServices {
  const { config, liveStore, helper, prefix, owners, containers, ...rest } = options
  const { helperBinariesDir } = config.engine
  const { dnsBindPort } = config.network
  const place = join(config.runRoot, 'networks')
  const folders = [...helperBinariesDir, ...programDirectories, ...config.environment.searchPath]
  const rootless = (): NetworkBackend =>
    builtInRootlessBackend({
      config: place,
      folders,
      env: config.monitorEnv,
      run: ({ namespace, ...program }, { signal }) =>
        helper.call<ProgramEnd>('network.program', program satisfies ProgramParams, { descriptors: [namespace], signal }),
    })
  const rootful = (): NetworkBackend =>
    builtInNetworkBackend({
      config: place,
      folders,
      // It looks for iptables in each of these folders, at each of its many calls.
      env: {
        PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
        ...(dnsBindPort === undefined ? {} : { NETAVARK_DNS_PORT: String(dnsBindPort) }),
      },
      logger: options.logger,
      makeNamespace: (links) => makeNamespace(helper, links),
      standIn: (params) => helper.call<void>('network.stand-in', params),
    })
  const backend = config.rootless ? rootless() : rootful()
  return {
    ...rest,
    config,
    store: liveStore,
    backend,
    isOwnerAlive: (owner) => isOwnerAlive(owners, owner),
    makeNamespace: async () => {
      await mkdir(place, { recursive: true, mode: 0o700 })
      // Whoever goes from a user namespace into a new network namespace does not find back: there a program makes it.
      return config.rootless ? heldAt(await openNetworkNamespace(prefix, config.monitorEnv)) : makeNamespace(helper)
    },
    containers: networkContainers(containers),
  }
}
