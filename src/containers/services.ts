import type { Background } from '../base/background.ts'
import type { Closer } from '../base/closer.ts'
import type { Logger } from '../base/logger.ts'
import type { Probe } from '../base/steps.ts'
import type { EngineConfig } from '../config/engine-config.ts'
import type { EventDraft } from '../events/event.ts'
import type { ReadyImageOptions } from '../images/ready.ts'
import type { CgroupHost } from '../linux/cgroups/detect.ts'
import type { HostFacts } from '../linux/host-facts.ts'
import type { LockManager } from '../locks/lock-manager.ts'
import type { LogDriver } from '../logs/log-driver.ts'
import type { NetworkServices } from '../network/services.ts'
import type { Monitor } from '../oci/monitor.ts'
import type { DirectRunner } from '../oci/monitors/direct/direct-run.ts'
import type { OCIRuntime } from '../oci/oci-runtime.ts'
import type { SpecHost } from '../oci/spec/spec-host.ts'
import type { Accounts } from '../oci/spec/user.ts'
import type { RuntimeSeccomp } from '../specs/runtime-spec.ts'
import type { LiveState } from '../state/live.ts'
import type { Registry } from '../state/registry.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import type { Snapshotter } from '../storage/snapshotter.ts'
import type { VolumesServices } from '../volumes/services.ts'
import type { Changes } from './changes.ts'
import type { Ephemerals } from './ephemerals.ts'
import type { ContainerPlaces } from './places.ts'
import type { PodMembership } from './pod-membership.ts'
import type { LiveContainer } from './record.ts'

/** What the verbs of containers work with: handed down by the composition root, which alone knows the plug-ins. */
export interface ContainersServices {
  readonly registry: Registry
  readonly live: LiveState
  readonly locks: LockManager
  readonly changes: Changes
  readonly places: ContainerPlaces
  readonly config: EngineConfig
  readonly logger: Logger
  readonly closer: Closer
  readonly probe: Probe | undefined
  /** This engine's lock file under `owners/`: ephemeral containers name it. */
  readonly owner: string
  readonly snapshots: Snapshotter
  readonly volumes: VolumesServices
  readonly logDrivers: ReadonlyMap<string, LogDriver>
  readonly monitors: ReadonlyMap<string, Monitor>
  readonly direct: DirectRunner
  readonly network: NetworkServices
  /** The runtimes that work on this host, the first being the default. */
  runtimes(): Promise<readonly OCIRuntime[]>
  /** What does not change while the engine is open: kernel, capabilities, limits, seccomp profile. */
  host(): Promise<SpecHost>
  cgroups(): Promise<CgroupHost>
  /** The image of a reference, fetched if it is not there, and made ready to run: its layers are there as snapshots. */
  image(reference: string, options?: ReadyImageOptions): Promise<ImageRecord>
  /** A file as it is seen on top of these layers, also one that only users of the container may read; `undefined` if there is none. */
  readLayers(layers: readonly string[], path: string, options: { readonly maxBytes: number }): Promise<Buffer | undefined>
  /** What a container has to know of a pod, by id or name. Rejects with `not-found`. */
  pod(reference: string): Promise<PodMembership>
  emit(event: EventDraft): Promise<void>
  /** The command by which a monitor calls for the clean-up of a container. */
  exitCommand(id: string): readonly string[]
  /** Remembers that a restart is due, for whoever serves the root. */
  restartDue(id: string, at: Date): Promise<void>
  /** A seccomp filter, compiled, in base64; `undefined` where that cannot be done. */
  compileSeccomp(seccomp: RuntimeSeccomp): Promise<string | undefined>
  /** What must end before the engine does: ephemeral containers and sessions. */
  readonly ephemerals: Ephemerals
  /** What is cleaned up while nobody waits. */
  readonly background: Background
  /** `/etc/passwd` and `/etc/group` of images, by the chain id of their topmost layer. */
  readonly accounts: Map<string, Promise<Accounts>>
  facts(): Promise<HostFacts>
  /** The cgroup of monitors, as the OCI names cgroups; none where it cannot be made: there they stay in that of their host. */
  monitorCgroup(): Promise<string | undefined>
  /** A process is about to be put into a cgroup: what the kernel makes it wait for begins now, while there are other things to do. */
  beginGracePeriod(): void
}

/** The kinds of entries that containers keep in the live store. */
export interface LiveEntries {
  container: LiveContainer
  /** The volumes that a container has been given: they are told when it has let go. */
  volumes: { readonly names: readonly string[] }
  /** How an automatically removed container ended, for those who still wait. */
  exit: {
    readonly exitCode: number | null
    readonly finishedAt: string
    readonly oomKilled: boolean
    readonly reason?: string
    readonly keptAt: string
  }
  restart: { readonly dueAt: string }
}
