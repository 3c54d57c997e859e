import { type CgroupPaths, cgroupPaths, expandSlice } from '../linux/cgroups/paths.ts'
import type { PodRecord } from './record.ts'
import type { PodsServices } from './services.ts'

/** Where a pod's own cgroups are while something of it runs. */
export async function cgroupOfPod({ containers }: PodsServices, { cgroup }: PodRecord): Promise<CgroupPaths> {
  const { systemdCgroup } = await containers.host()
  return cgroupPaths(await containers.cgroups(), systemdCgroup ? expandSlice(cgroup) : cgroup)
}
