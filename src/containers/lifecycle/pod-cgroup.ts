import { mkdir } from 'node:fs/promises'
import { posix } from 'node:path'
import { step } from '../../base/steps.ts'
import { limitCgroup } from '../../linux/cgroups/limits.ts'
import { cgroupExists, createCgroup, removeEmptyCgroup } from '../../linux/cgroups/manage.ts'
import { cgroupPaths, containerCgroupPath, directoriesOf } from '../../linux/cgroups/paths.ts'
import { makeSlice } from '../../linux/cgroups/slice.ts'
import { cgroupOfSlice, systemdOf } from '../cgroup-of.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/**
 * Makes the cgroup of a container's pod, with the pod's limits, and does some work while it is there for sure. The container that
 * ends last takes it away, which may be just now: a cgroup in it keeps it, and that one goes when the container has its own there.
 */
export async function inPodCgroup<T>(services: ContainersServices, record: ContainerRecord, work: () => Promise<T>): Promise<T> {
  const limits = record.pod === undefined ? undefined : (await services.pod(record.pod)).limits
  if (limits === undefined) return work()
  if ((await services.host()).systemdCgroup) {
    // systemd keeps a slice and its limits until it is told otherwise: when the pod is removed.
    const [slice = ''] = record.cgroupsPath.split(':')
    if (!(await cgroupExists(await cgroupOfSlice(services, slice))))
      await step(services.probe, 'pod.limit', () => makeSlice(slice, limits, systemdOf(services)))
    return work()
  }
  const host = await services.cgroups()
  const path = await podCgroupPath(services, record)
  const hold = cgroupPaths(host, holdPath(path, record))
  try {
    await step(services.probe, 'pod.limit', async () => {
      await Promise.all(directoriesOf(hold).map((directory) => mkdir(directory, { recursive: true })))
      await limitCgroup(await createCgroup(host, path), limits)
    })
    return await work()
  } finally {
    await removeEmptyCgroup(hold)
  }
}

/** Takes the pod's cgroup away if this container was the last in it. Idempotent. */
export async function leavePodCgroup(services: ContainersServices, record: ContainerRecord): Promise<void> {
  if (record.pod === undefined || record.cgroupsPath === '' || (await services.host()).systemdCgroup) return
  const host = await services.cgroups()
  const path = await podCgroupPath(services, record)
  await step(services.probe, 'pod.leave', async () => {
    // A start that was cut off may have left it.
    await removeEmptyCgroup(cgroupPaths(host, holdPath(path, record)))
    await removeEmptyCgroup(cgroupPaths(host, path))
  })
}

async function podCgroupPath(services: ContainersServices, { id, cgroupsPath }: ContainerRecord): Promise<string> {
  const { systemdCgroup } = await services.host()
  return posix.dirname(containerCgroupPath({ id, cgroupsPath, manager: systemdCgroup ? 'systemd' : 'cgroupfs' }))
}

function holdPath(path: string, { id }: ContainerRecord): string {
  return `${path}/libpod-hold-${id}`
}
