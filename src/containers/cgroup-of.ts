import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CgroupPaths, cgroupPaths, containerCgroupPath } from '../linux/cgroups/paths.ts'
import type { ContainerRecord } from './record.ts'
import type { ContainersServices } from './services.ts'

/** Where a container's cgroups are while it has processes. */
export async function cgroupOf(services: ContainersServices, { id, cgroupsPath }: ContainerRecord): Promise<CgroupPaths> {
  const { systemdCgroup } = await services.host()
  return cgroupPaths(await services.cgroups(), containerCgroupPath({ id, cgroupsPath, manager: systemdCgroup ? 'systemd' : 'cgroupfs' }))
}

/**
 * The cgroup that a container's limits are set on. In the unified tree crun puts the container into a child, `container`, of
 * the scope that systemd made (`run.oci.systemd.subgroup` in crun(1)), and the limits with it.
 */
export async function limitedCgroupOf(services: ContainersServices, record: ContainerRecord): Promise<CgroupPaths> {
  const paths = await cgroupOf(services, record)
  if (paths.unified === undefined || !paths.unified.endsWith('.scope')) return paths
  const inner = join(paths.unified, 'container')
  return (await isThere(inner)) ? { ...paths, unified: inner } : paths
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
