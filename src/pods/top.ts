import { verbOptions } from '../base/schema.ts'
import { ownPids } from '../containers/own-pids.ts'
import type { ContainerTopOptions, ContainerTopResult } from '../containers/top.ts'
import { readPids } from '../linux/cgroups/processes.ts'
import { parseProcessFields, processTable } from '../linux/process-table.ts'
import { cgroupOfPod } from './cgroup-of.ts'
import { nothingRuns } from './lifecycle/nothing-runs.ts'
import type { PodsServices } from './services.ts'
import { everyone, type PodWithMembers, readPod } from './store.ts'

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
  const read = await readPod(services, id)
  const pids = await pidsOf(services, read)
  if (pids.length === 0) throw nothingRuns('top', read.pod)
  return processTable(pids, columns)
}

async function pidsOf(services: PodsServices, read: PodWithMembers): Promise<number[]> {
  const cgroup = await cgroupOfPod(services, read.pod)
  if (cgroup !== undefined) return readPids(cgroup)
  return (await Promise.all(everyone(read).map((container) => ownPids(services.containers, container)))).flat()
}
