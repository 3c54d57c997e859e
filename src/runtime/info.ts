import { isLibpodError } from '../base/errors.ts'
import { iterateContainers } from '../containers/list.ts'
import type { ContainersServices } from '../containers/services.ts'
import type { OCIRuntime } from '../oci/oci-runtime.ts'
import type { Engine } from './engine.ts'
import { version } from './version.ts'

/** What an engine is, and what it found on its host: {@link Runtime.info}. @public */
export interface RuntimeInfo {
  readonly version: string
  readonly root: string
  readonly runRoot: string
  readonly oci: {
    /** The runtime for containers that ask for none. */
    readonly name: string
    readonly version: string
    readonly path: string
    /** All that work here. */
    readonly available: readonly { readonly name: string; readonly version: string; readonly path: string }[]
    /** Those that are there but cannot work here, with the reason. */
    readonly passedOver: readonly { readonly name: string; readonly reason: string }[]
  }
  readonly monitor: { readonly name: string; readonly version: string; readonly path: string }
  readonly cgroups: { readonly mode: 'v1' | 'v2' | 'hybrid'; readonly manager: 'cgroupfs' | 'systemd' }
  readonly storage: { readonly snapshotter: string /** Why not overlay, if it is not. */; readonly reason?: string; readonly state: string }
  readonly network: NetworkInfo
  readonly host: {
    readonly kernel: string
    readonly architecture: string
    readonly distribution: string
    readonly cpus: number
    readonly memoryBytes: number
  }
  /** For an ordinary user: which ids in his containers are which of the host's, as `[inside, outside, count]`. `false` for root. */
  readonly rootless:
    | false
    | {
        readonly uids: readonly (readonly [inside: number, outside: number, count: number])[]
        readonly gids: readonly (readonly [inside: number, outside: number, count: number])[]
      }
  /** Whether this engine does what must be done once for the root. */
  readonly serving: boolean
  readonly containers: { readonly total: number; readonly running: number; readonly paused: number; readonly stopped: number }
  readonly images: number
}

/** What connects containers, or why nothing does. @public */
export interface NetworkInfo {
  readonly backend: string
  readonly version?: string
  readonly path?: string
  /** The program that answers for the names of containers, if it is there. */
  readonly dns?: { readonly path: string }
  /** Why containers cannot be connected. */
  readonly reason?: string
}

/** Looks at the engine and counts its objects. */
export async function runtimeInfo(engine: Engine): Promise<RuntimeInfo> {
  engine.closer.check()
  const { config, containers: services } = engine
  const [{ runtime, all, passedOver }, conmon, cgroups, host, facts, network, images, containers] = await Promise.all([
    engine.runtimes(),
    engine.conmon(),
    services.cgroups(),
    services.host(),
    services.facts(),
    networkInfo(services),
    services.registry.count('image'),
    countContainers(services),
  ])
  const describe = ({ name, path, features }: OCIRuntime): { name: string; version: string; path: string } => ({
    name,
    version: features.version,
    path,
  })
  return {
    version,
    root: config.root,
    runRoot: config.runRoot,
    oci: { ...describe(runtime), available: all.map(describe), passedOver },
    monitor: { name: 'conmon', ...conmon },
    cgroups: { mode: cgroups.mode, manager: host.systemdCgroup ? 'systemd' : 'cgroupfs' },
    storage: {
      snapshotter: services.snapshots.driver,
      ...(engine.snapshotterReason === undefined ? {} : { reason: engine.snapshotterReason }),
      state: engine.state,
    },
    network,
    host: {
      kernel: facts.kernel,
      architecture: facts.arch,
      distribution: facts.distribution.name,
      cpus: facts.cpus,
      memoryBytes: facts.memoryBytes,
    },
    rootless: engine.rootless ?? false,
    serving: engine.duty?.serving ?? false,
    containers,
    images,
  }
}

async function countContainers(services: ContainersServices): Promise<RuntimeInfo['containers']> {
  const counts = { total: 0, running: 0, paused: 0, stopped: 0 }
  for await (const { status } of iterateContainers(services)) {
    counts.total++
    if (status === 'paused') counts.paused++
    else if (status === 'running' || status === 'stopping') counts.running++
    else counts.stopped++
  }
  return counts
}

async function networkInfo({ network: { backend } }: ContainersServices): Promise<NetworkInfo> {
  try {
    const { version, path, dns } = await backend.info()
    return { backend: backend.name, version, path, ...(dns === undefined ? {} : { dns }) }
  } catch (error) {
    if (!isLibpodError(error, 'unavailable')) throw error
    return { backend: backend.name, reason: error.message }
  }
}
