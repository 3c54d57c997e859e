import type { AbortOptions } from '../base/abort.ts'
import { checkIsObject } from '../base/known-keys.ts'
import type { ContainerTopResult } from '../containers/top.ts'
import { inspectPod, type PodInspect } from './inspect.ts'
import { killPod } from './lifecycle/kill.ts'
import { pausePod, unpausePod } from './lifecycle/pause.ts'
import { type RemovePodOptions, removePod } from './lifecycle/remove.ts'
import { restartPod } from './lifecycle/restart.ts'
import { type StartPodOptions, startPod } from './lifecycle/start.ts'
import { type StopPodOptions, stopPod } from './lifecycle/stop.ts'
import { type WaitPodOptions, type WaitPodResult, waitPod } from './lifecycle/wait.ts'
import type { PodsServices } from './services.ts'
import { type PodStats, type PodStatsOptions, podStats, podStatsOnce } from './stats.ts'
import type { PodContainer } from './summary.ts'
import { type PodTopOptions, podTop } from './top.ts'

/**
 * A pod: its id, and what can be done with all its containers together. As with containers, a handle keeps no state.
 *
 * Verbs reject with `not-found` when the pod is gone, and with `partial-failure` when they failed with some of its containers: the details
 * say which and why; with the others it is done.
 *
 * @example
 * ```ts
 * const pod = await runtime.pods.create({ name: 'work' })
 * const server = await runtime.containers.create({ pod: 'work', image: 'localhost/busybox', command: ['httpd', '-f'] })
 * await pod.start()
 * await runtime.containers.run({ pod: 'work', image: 'localhost/busybox', command: ['wget', '-qO-', '127.0.0.1'] })
 * // The pod's network stays as it is.
 * await server.restart()
 * await pod.remove({ force: true })
 * ```
 *
 * @public
 */
export class Pod {
  /** 64 hex digits. */
  readonly id: string
  readonly #services: PodsServices

  /** @internal */
  constructor(services: PodsServices, id: string) {
    this.#services = services
    this.id = id
  }

  /** Starts all its containers: the infra container first. `changed` is `false` if all of them ran already. */
  start(options?: StartPodOptions): Promise<{ changed: boolean }> {
    return startPod(this.#services, this.id, options)
  }

  /** Stops all its containers side by side, the infra container last. They are not restarted. */
  stop(options?: StopPodOptions): Promise<{ changed: boolean }> {
    return stopPod(this.#services, this.id, options)
  }

  /** Stops all its containers and starts them, in new namespaces. */
  restart(options?: StopPodOptions): Promise<void> {
    return restartPod(this.#services, this.id, options)
  }

  /** Sends a signal, by name or number, to the first process of each container; SIGKILL if not given, and that to the infra container, too. */
  kill(signal: string | number = 'SIGKILL', options?: AbortOptions): Promise<void> {
    return killPod(this.#services, this.id, signal, options)
  }

  /** Freezes all its containers that run. */
  pause(options?: AbortOptions): Promise<{ changed: boolean }> {
    return pausePod(this.#services, this.id, options)
  }

  /** Lets them go on. */
  unpause(options?: AbortOptions): Promise<{ changed: boolean }> {
    return unpausePod(this.#services, this.id, options)
  }

  /** Waits for all its containers but the infra container, which never ends by itself: for their end, or for another condition. */
  wait(options?: WaitPodOptions): Promise<WaitPodResult> {
    return waitPod(this.#services, this.id, options)
  }

  /** Removes it with its containers. Rejects with `invalid-state` if one of them runs, unless `force`. */
  remove(options?: RemovePodOptions): Promise<{ changed: boolean }> {
    return removePod(this.#services, this.id, options)
  }

  /** All that is known of it. */
  inspect(): Promise<PodInspect> {
    return inspectPod(this.#services, this.id)
  }

  /** Samples of what it uses, as a whole and by container, until nothing of it runs. `stats({ once: true })` is one sample. */
  stats(options: PodStatsOptions & { readonly once: true }): Promise<PodStats>
  stats(options?: PodStatsOptions & { readonly once?: false | undefined }): AsyncIterable<PodStats>
  stats(options: PodStatsOptions & { readonly once?: boolean | undefined } = {}): Promise<PodStats> | AsyncIterable<PodStats> {
    checkIsObject(options)
    const { once, ...rest } = options
    return once ? podStatsOnce(this.#services, this.id, rest) : podStats(this.#services, this.id, rest)
  }

  /** The processes of all its containers. */
  top(options?: PodTopOptions): Promise<ContainerTopResult> {
    return podTop(this.#services, this.id, options)
  }

  /** Its containers, the infra container first. */
  async containers(): Promise<readonly PodContainer[]> {
    return (await inspectPod(this.#services, this.id)).containers
  }
}
