import { type CgroupPaths, cgroupPaths, containerCgroupPath } from '../linux/cgroups/paths.ts'
import type { ContainerRecord } from './record.ts'
import type { ContainersServices } from './services.ts'

/** Where a container's cgroups are while it has processes. */
export async function cgroupOf(services: ContainersServices, { id, cgroupsPath }: ContainerRecord): Promise<CgroupPaths> {
  const { systemdCgroup } = await services.host()
  return cgroupPaths(await services.cgroups(), containerCgroupPath({ id, cgroupsPath, manager: systemdCgroup ? 'systemd' : 'cgroupfs' }))
}
