import { posix } from 'node:path'
import { LibpodError } from '../../base/errors.ts'
import type { CgroupHierarchy, CgroupHost } from './detect.ts'
import { type CgroupMembership, hierarchyPath, readMemberships } from './membership.ts'

/** The directories of one cgroup, one for each tree it is in. Plain data. */
export interface CgroupPaths {
  /** In the unified (v2) tree. */
  readonly unified?: string
  /** In the v1 trees, by controller (and `systemd`). Controllers that are mounted together have the same directory. */
  readonly v1: Readonly<Record<string, string>>
}

/** Who makes the cgroups of containers: the runtime in the file system, or systemd by its request. */
export type CgroupManager = 'cgroupfs' | 'systemd'

/** From what the cgroup of a container follows. */
export interface ContainerCgroup {
  /** `linux.cgroupsPath`: a path, or `slice:prefix:name` for systemd. Without it, the runtimes take `id`. */
  readonly cgroupsPath?: string
  readonly id: string
  readonly manager: CgroupManager
  /** The cgroup of the systemd instance that is asked: `/`, or that of `user@<uid>.service` for a rootless one. */
  readonly managerRoot?: string
}

/** The path of a container's cgroup as the runtimes make it, counted from the root of each tree (or from our own cgroup when relative). */
export function containerCgroupPath({ cgroupsPath, id, manager, managerRoot = '/' }: ContainerCgroup): string {
  if (manager === 'cgroupfs') return cgroupsPath === undefined || cgroupsPath === '' ? id : posix.normalize(cgroupsPath)
  const defaultSlice = managerRoot === '/' ? 'system.slice' : 'user.slice'
  const [slice = '', prefix = '', name = id] = cgroupsPath === undefined || cgroupsPath === '' ? [] : cgroupsPath.split(':')
  const unit = name.endsWith('.slice') ? name : `${prefix === '' ? '' : `${prefix}-`}${name}.scope`
  return posix.join(managerRoot, expandSlice(slice === '' ? defaultSlice : slice), unit)
}

/** `machine-web.slice` → `/machine.slice/machine-web.slice`, as systemd nests them. */
export function expandSlice(slice: string): string {
  if (slice === '-.slice') return '/'
  const name = slice.slice(0, -'.slice'.length)
  if (!slice.endsWith('.slice') || name.includes('/') || name.startsWith('-') || name.endsWith('-') || name.includes('--') || name === '')
    throw new LibpodError(
      'invalid-argument',
      `${JSON.stringify(slice)} is not the name of a systemd slice.`,
      { path: 'cgroupParent', value: slice },
      { hint: 'A slice is named like machine.slice or machine-web.slice.' },
    )
  const parts = name.split('-')
  return `/${parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`).join('/')}`
}

/** The directories of the cgroup at `path` in every tree. A path without a leading slash counts from this process' own cgroup. */
export function cgroupPaths(host: CgroupHost, path: string): CgroupPaths {
  return collect(host, (hierarchy) => (path.startsWith('/') ? path : posix.join(hierarchy.own, path)))
}

/** The directories of the cgroup that a process is in; `undefined` when it is gone. */
export async function cgroupsOfProcess(host: CgroupHost, pid: number | 'self'): Promise<CgroupPaths | undefined> {
  const memberships = await readMemberships(pid)
  return memberships && pathsFromMemberships(host, memberships)
}

export function pathsFromMemberships(host: CgroupHost, memberships: readonly CgroupMembership[]): CgroupPaths {
  return collect(host, (hierarchy) => memberships.find((membership) => isIn(membership, hierarchy))?.path)
}

/** Every directory once. */
export function directoriesOf({ unified, v1 }: CgroupPaths): string[] {
  return [...new Set([...(unified === undefined ? [] : [unified]), ...Object.values(v1)])]
}

/** The directory in the tree that has a controller: v1's own, else the unified one. */
export function directoryFor({ unified, v1 }: CgroupPaths, controller: string): string | undefined {
  return v1[controller] ?? unified
}

function collect(host: CgroupHost, pathIn: (hierarchy: CgroupHierarchy) => string | undefined): CgroupPaths {
  let unified: string | undefined
  const v1: Record<string, string> = {}
  for (const hierarchy of host.hierarchies) {
    const path = pathIn(hierarchy)
    if (path === undefined) continue
    const directory = hierarchyPath(hierarchy, path)
    if (hierarchy.version === 2) unified = directory
    else for (const controller of hierarchy.controllers) v1[controller] = directory
  }
  return { ...(unified === undefined ? {} : { unified }), v1 }
}

function isIn(membership: CgroupMembership, hierarchy: CgroupHierarchy): boolean {
  if (membership.version !== hierarchy.version) return false
  return membership.version === 2 || membership.controllers.some((name) => hierarchy.controllers.includes(name))
}
