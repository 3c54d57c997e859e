import { readPids } from '../linux/cgroups/processes.ts'
import { processesInNamespace, processTree } from '../linux/related-processes.ts'
import { cgroupOf } from './cgroup-of.ts'
import type { ContainerRecord } from './record.ts'
import type { ContainersServices } from './services.ts'
import { readLive } from './store.ts'

/**
 * The processes of a container, as the host sees them: those in its cgroup. One without has those of its process namespace; and without
 * that, what its program has started, which its monitor inherits when it is orphaned. What an exec started is overlooked there.
 */
export async function ownPids(services: ContainersServices, record: ContainerRecord): Promise<number[]> {
  const cgroup = await cgroupOf(services, record)
  if (cgroup !== undefined) return readPids(cgroup)
  const { pid, monitorPid } = (await readLive(services, record.id)) ?? {}
  if (pid === undefined) return []
  if (record.options.pid === 'private') return processesInNamespace(pid, 'pid')
  return monitorPid === undefined ? processTree(pid) : (await processTree(monitorPid)).filter((other) => other !== monitorPid)
}
