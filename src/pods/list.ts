import type { AbortOptions } from '../base/abort.ts'
import { matchFilters } from '../base/filter.ts'
import { checkKnownKeys } from '../base/known-keys.ts'
import { type ContainerSummary, containerKind } from '../containers/record.ts'
import { type PodFilters, podFilterTable } from './filters.ts'
import { podKind, type StoredPodSummary } from './record.ts'
import type { PodsServices } from './services.ts'
import { type PodSummary, summarizePod } from './summary.ts'

/** Options of {@link Pods.list}. @public */
export interface ListPodsOptions extends AbortOptions {
  readonly filters?: PodFilters | undefined
}

/** The pods that match, in the order of their ids. */
export async function* iteratePods(services: PodsServices, options: ListPodsOptions = {}): AsyncGenerator<PodSummary, void> {
  checkKnownKeys(options, ['filters', 'signal'], 'pods.list')
  const { registry, closer } = services.containers
  closer.check()
  const { filters, signal } = options
  signal?.throwIfAborted()
  const matches = matchFilters(podFilterTable(filters), filters)
  let containers: ReadonlyMap<string, readonly ContainerSummary[]> | undefined
  for await (const page of registry.iterate(podKind.kind)) {
    containers ??= await containersByPod(services)
    for (const { id, summary } of page) {
      signal?.throwIfAborted()
      if (closer.closed) return
      const pod = summarizePod(summary as unknown as StoredPodSummary, containers.get(id) ?? [])
      if (matches(pod)) yield pod
    }
  }
}

/** All of them. */
export async function listPods(services: PodsServices, options: ListPodsOptions = {}): Promise<PodSummary[]> {
  const found: PodSummary[] = []
  for await (const pod of iteratePods(services, options)) found.push(pod)
  return found
}

/** One walk through the summaries of all containers, however many pods there are. */
async function containersByPod({ containers: { registry } }: PodsServices): Promise<Map<string, ContainerSummary[]>> {
  const byPod = new Map<string, ContainerSummary[]>()
  for await (const page of registry.iterate(containerKind.kind)) {
    for (const { summary } of page) {
      const container = summary as unknown as ContainerSummary
      if (container.pod === undefined) continue
      const others = byPod.get(container.pod)
      if (others === undefined) byPod.set(container.pod, [container])
      else if (container.infra) others.unshift(container)
      else others.push(container)
    }
  }
  return byPod
}
