import { cgroupOfSlice } from '../containers/cgroup-of.ts'
import { type CgroupPaths, cgroupPaths } from '../linux/cgroups/paths.ts'
import type { PodRecord } from './record.ts'
import type { PodsServices } from './services.ts'

/** Where a pod's own cgroups are while something of it runs; `undefined` for one that has none, as without root on many hosts. */
export async function cgroupOfPod(
  { containers }: Pick<PodsServices, 'containers'>,
  { cgroup }: PodRecord,
): Promise<CgroupPaths | undefined> {
  if (cgroup === '') return undefined
  const { systemdCgroup } = await containers.host()
  return systemdCgroup ? cgroupOfSlice(containers, cgroup) : cgroupPaths(await containers.cgroups(), cgroup)
}
