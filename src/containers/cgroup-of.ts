import { stat } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { LibpodError } from '../base/errors.ts'
import type { SystemdManager } from '../linux/cgroups/ask-systemd.ts'
import { userManagerRoot } from '../linux/cgroups/delegation.ts'
import { type CgroupPaths, cgroupPaths, containerCgroupPath, expandSlice } from '../linux/cgroups/paths.ts'
import type { ContainerRecord } from './record.ts'
import type { ContainersServices } from './services.ts'

/** Where a container's cgroups are while it has processes; `undefined` for one that has none of its own. */
export async function cgroupOf(
  services: ContainersServices,
  { id, cgroupsPath }: Pick<ContainerRecord, 'id' | 'cgroupsPath'>,
): Promise<CgroupPaths | undefined> {
  if (cgroupsPath === '') return undefined
  const { systemdCgroup } = await services.host()
  const { root: managerRoot } = systemdOf(services)
  const manager = systemdCgroup ? 'systemd' : 'cgroupfs'
  return cgroupPaths(await services.cgroups(), containerCgroupPath({ id, cgroupsPath, manager, managerRoot }))
}

/** Where the cgroup of a slice is that systemd has made for this user. */
export async function cgroupOfSlice(services: ContainersServices, slice: string): Promise<CgroupPaths> {
  return cgroupPaths(await services.cgroups(), posix.join(systemdOf(services).root, expandSlice(slice)))
}

/** The systemd that makes the cgroups of this user's containers, and the cgroup that it has them in. */
export function systemdOf({ config }: Pick<ContainersServices, 'config'>): SystemdManager & { readonly root: string } {
  const { uid, rootless, environment } = config
  return rootless ? { userRuntimeDir: environment.xdgRuntimeDir, root: userManagerRoot(uid) } : { root: '/' }
}

/**
 * The cgroup that a container's limits are set on. In the unified tree crun puts the container into a child, `container`, of
 * the scope that systemd made (`run.oci.systemd.subgroup` in crun(1)), and the limits with it. Throws `unsupported` where there is none.
 */
export async function limitedCgroupOf(services: ContainersServices, record: ContainerRecord, verb: string): Promise<CgroupPaths> {
  const paths = await cgroupOf(services, record)
  if (paths === undefined) throw noCgroup(record, verb)
  if (paths.unified === undefined || !paths.unified.endsWith('.scope')) return paths
  const inner = join(paths.unified, 'container')
  return (await isThere(inner)) ? { ...paths, unified: inner } : paths
}

/** Rejects what only a cgroup can do. */
export function checkCgroup(record: ContainerRecord, verb: string): void {
  if (record.cgroupsPath === '') throw noCgroup(record, verb)
}

function noCgroup({ name }: ContainerRecord, verb: string): LibpodError<'unsupported'> {
  return new LibpodError(
    'unsupported',
    `Cannot ${verb} container ${name}: it has no cgroup of its own, as containers without root have none on this host.`,
    { what: verb },
    { hint: 'It takes cgroup v2 and a login session of systemd, or root.' },
  )
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
