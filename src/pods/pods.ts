import { createPod } from './create.ts'
import { iteratePods, type ListPodsOptions, listPods } from './list.ts'
import type { CreatePodOptions } from './options.ts'
import { Pod } from './pod.ts'
import { type PrunePodsOptions, type PrunePodsResult, prunePods } from './prune.ts'
import { podKind } from './record.ts'
import type { PodsServices } from './services.ts'
import type { PodSummary } from './summary.ts'

/**
 * The pods of a runtime: containers that share namespaces and a cgroup.
 *
 * @public
 */
export class Pods {
  readonly #services: PodsServices

  /** @internal */
  constructor(services: PodsServices) {
    this.#services = services
  }

  /**
   * Creates a pod. Nothing of it is started; containers are put into it with their option `pod`.
   *
   * Rejects with `invalid-argument` (and the option's path), `already-exists` (the name), `unavailable` (catatonit, which the infra
   * container runs, is missing).
   *
   * @example
   * ```ts
   * const pod = await runtime.pods.create({ name: 'web', memoryBytes: 256 * 1024 * 1024 })
   * await runtime.containers.create({ pod: 'web', image: 'localhost/busybox', command: ['httpd', '-f', '-p', '8080'] })
   * await pod.start()
   * ```
   */
  async create(options: CreatePodOptions = {}): Promise<Pod> {
    return new Pod(this.#services, (await createPod(this.#services, options)).id)
  }

  /** The pod of an id, the beginning of one, or a name. Rejects with `not-found` or `ambiguous`. */
  async get(idOrName: string): Promise<Pod> {
    return new Pod(this.#services, await this.#services.containers.registry.resolve(podKind.kind, idOrName))
  }

  /** As `get`, but `undefined` where there is none. */
  async find(idOrName: string): Promise<Pod | undefined> {
    const object = await this.#services.containers.registry.find(podKind.kind, idOrName)
    return object && new Pod(this.#services, object.id)
  }

  /** A handle for a full id, without looking whether the pod exists. */
  ref(id: string): Pod {
    return new Pod(this.#services, id)
  }

  /** Whether there is a pod of this id or name. */
  async exists(idOrName: string): Promise<boolean> {
    return (await this.#services.containers.registry.find(podKind.kind, idOrName)) !== undefined
  }

  /** The pods that match, as plain data, in the order of their ids. */
  list(options?: ListPodsOptions): Promise<PodSummary[]> {
    return listPods(this.#services, options)
  }

  /** As `list`, one by one. */
  iterate(options?: ListPodsOptions): AsyncIterable<PodSummary> {
    return iteratePods(this.#services, options)
  }

  /** Removes the pods that have ended (`exited`, `stopped`) and match, with their containers. */
  prune(options?: PrunePodsOptions): Promise<PrunePodsResult> {
    return prunePods(this.#services, options)
  }
}
