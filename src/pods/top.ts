import { verbOptions } from '../base/schema.ts'
import type { ContainerTopOptions, ContainerTopResult } from '../containers/top.ts'
import { readPids } from '../linux/cgroups/processes.ts'
import { parseProcessFields, processTable } from '../linux/process-table.ts'
import { cgroupOfPod } from './cgroup-of.ts'
import { nothingRuns } from './lifecycle/nothing-runs.ts'
import type { PodsServices } from './services.ts'
import { requirePod } from './store.ts'

/** Options of {@link Pod.top}. @public */
export interface PodTopOptions extends ContainerTopOptions {}

const checkOptions = verbOptions<PodTopOptions>((z) => ({
  fields: z.array(z.string()).min(1, 'must name at least one column').optional(),
}))

/** The processes of all containers of a pod. */
export async function podTop(services: PodsServices, id: string, options: PodTopOptions = {}): Promise<ContainerTopResult> {
  await checkOptions(options)
  const { fields, signal } = options
  signal?.throwIfAborted()
  const columns = fields && parseProcessFields(fields)
  const pod = await requirePod(services, id)
  const pids = await readPids(await cgroupOfPod(services, pod))
  if (pids.length === 0) throw nothingRuns('top', pod)
  return processTable(pids, columns)
}
