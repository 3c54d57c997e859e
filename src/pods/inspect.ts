import { summarize } from '../containers/record.ts'
import type { PodsServices } from './services.ts'
import { everyone, readPod } from './store.ts'
import { type PodSummary, summarizePod } from './summary.ts'

/** All that is known of a pod. @public */
export interface PodInspect extends PodSummary {
  /** What all its containers together may use: the limits that were given. */
  readonly resources: Readonly<Record<string, unknown>>
}

/** Reads a pod and how its containers are. */
export async function inspectPod(services: PodsServices, id: string): Promise<PodInspect> {
  services.containers.closer.check()
  const read = await readPod(services, id)
  const { pidsLimit, ...limits } = read.pod.resources
  return {
    ...summarizePod(read.pod, everyone(read).map(summarize)),
    resources: pidsLimit > 0 ? { ...limits, pidsLimit } : limits,
  }
}
