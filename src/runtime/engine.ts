import type { Closer } from '../base/closer.ts'
import type { EngineConfig } from '../config/engine-config.ts'
import type { ContainersServices } from '../containers/services.ts'
import type { EventBus } from '../events/bus.ts'
import type { EventLog } from '../events/event-log.ts'
import type { ImagesServices } from '../images/services.ts'
import type { IdMappings } from '../linux/user-namespace/subordinate-ids.ts'
import type { DetectedRuntimes } from '../oci/runtimes/detect.ts'
import type { PodsServices } from '../pods/services.ts'
import type { GarbageReport } from '../storage/gc.ts'
import type { Duty } from './duty.ts'

/** An open engine: what {@link Runtime} hands out and its verbs work on. */
export interface Engine {
  readonly config: EngineConfig
  readonly closer: Closer
  /** Which ids containers of an ordinary user have; absent for root, whose containers have all. */
  readonly rootless: IdMappings | undefined
  readonly containers: ContainersServices
  readonly images: ImagesServices
  readonly pods: PodsServices
  readonly bus: EventBus
  readonly eventLog: EventLog
  /** Calls the listener when any engine may have caused an event. */
  readonly wake: (listener: () => void) => () => void
  /** Aborted when the engine closes. */
  readonly ended: AbortSignal
  readonly duty: Duty | undefined
  /** The state store's name. */
  readonly state: string
  /** Why the snapshotter is not overlay, if it is not. */
  readonly snapshotterReason: string | undefined
  runtimes(): Promise<DetectedRuntimes>
  conmon(): Promise<{ readonly path: string; readonly version: string }>
  collectGarbage(signal?: AbortSignal): Promise<GarbageReport>
}
