import { Containers } from '../containers/containers.ts'
import type { EventListener } from '../events/bus.ts'
import type { EngineEvent, EventType } from '../events/event.ts'
import { type StreamEventsOptions, streamEvents } from '../events/stream.ts'
import { Images } from '../images/images.ts'
import { Networks } from '../network/networks.ts'
import { Pods } from '../pods/pods.ts'
import { Volumes } from '../volumes/volumes.ts'
import { type DiskUsage, diskUsage } from './disk-usage.ts'
import type { Engine } from './engine.ts'
import { type RuntimeInfo, runtimeInfo } from './info.ts'
import type { InternalOptions, RuntimeOptions } from './options.ts'
import { type PruneOptions, type PruneReport, pruneRuntime } from './prune.ts'
import { version } from './version.ts'

/**
 * An open engine on a root. Any number of engines, in any number of processes, may have one root open; what one does,
 * the others see. An open runtime does not keep its process alive; a verb under way, a live iterator or a session does.
 *
 * @example
 * ```ts
 * await using runtime = await Runtime.open()
 * const { stdout } = await runtime.containers.run({ image: 'localhost/busybox', command: ['echo', 'hello'] })
 * ```
 *
 * @public
 */
export class Runtime implements AsyncDisposable {
  /** The containers of this root. */
  readonly containers: Containers
  /** The images of this root. */
  readonly images: Images
  /** The pods of this root. */
  readonly pods: Pods
  /** The networks of this root. */
  readonly networks: Networks
  /** The volumes of this root. */
  readonly volumes: Volumes
  readonly #engine: Engine

  private constructor(engine: Engine) {
    this.#engine = engine
    this.containers = new Containers(engine.containers)
    this.images = new Images(engine.images)
    this.pods = new Pods(engine.pods)
    this.networks = new Networks(engine.containers.network)
    this.volumes = new Volumes(engine.containers.volumes)
  }

  /**
   * Opens a root, making it if it is new, and finishes what engines that died there have left half done.
   *
   * Rejects with `unsupported` (this host is no Linux; the root is of a newer version), `permission-denied` (the root cannot be
   * written, or others may write to it or to the run root), `conflict` (the root was made with other settings, or the run root is another
   * root's), `invalid-argument`. The programs are looked for when they are needed:
   * it is the first verb that needs one, or {@link Runtime.info}, that rejects with `unavailable` (which is missing, and how to install it).
   *
   * In a worker thread, close it before the thread is terminated: what it has in Node's own loop would end the whole process.
   */
  static async open(options: RuntimeOptions = {}): Promise<Runtime> {
    // What opens an engine is most of this package: whoever only imports it, for its types or its errors, does not load that.
    const { openEngine } = await import('./open.ts')
    return new Runtime(await openEngine(options as RuntimeOptions & InternalOptions))
  }

  /**
   * Everything that happens on this root, whichever engine does it. Without `since` and `after` it begins now. `break`
   * releases; the end of the runtime ends it normally; an abort throws.
   *
   * @example
   * ```ts
   * for await (const event of runtime.events({ types: ['container'] })) {
   *   if (event.type === 'container' && event.action === 'died') console.log(event.name, event.exitCode)
   * }
   * ```
   */
  events(options?: StreamEventsOptions): AsyncIterable<EngineEvent> {
    const { eventLog, wake, ended } = this.#engine
    return streamEvents({ log: eventLog, wake, ended }, options)
  }

  /** Calls `listener` for every event of a type that this engine causes; the result takes it back. What it throws goes to the logger. */
  on<Type extends EventType>(type: Type, listener: EventListener<Type>): () => void {
    return this.#engine.bus.on(type, listener)
  }

  /** What this engine is, and what it found on its host. */
  info(): Promise<RuntimeInfo> {
    return runtimeInfo(this.#engine)
  }

  /** The version of this package. */
  version(): string {
    return version
  }

  /** How much of the disk images, containers and volumes take. */
  diskUsage(): Promise<DiskUsage> {
    return diskUsage(this.#engine)
  }

  /** Removes containers that do not run, pods that have ended, networks and images (with `volumes`, also volumes) that nothing uses, and collects garbage. */
  prune(options?: PruneOptions): Promise<PruneReport> {
    return pruneRuntime(this.#engine, options)
  }

  /** Removes this runtime's ephemeral containers and lets go of the root. Containers go on running. Idempotent. */
  close(): Promise<void> {
    return this.#engine.closer.close()
  }

  /** See {@link Runtime.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
