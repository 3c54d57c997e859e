import { LibpodError } from '../../base/errors.ts'

/**
 * The OCI `cgroupsPath` of a container: `/libpod_parent/libpod-<id>` with cgroupfs, `machine.slice:libpod:<id>` with
 * systemd, as Podman's; empty where containers have none. Throws `invalid-argument` at `cgroupParent`.
 */
export function defaultCgroupsPath(input: CgroupInput): string {
  const { id, parent, systemd } = input
  if (hasNone(input)) return ''
  return systemd ? `${sliceOf(input)}:libpod:${id}` : `${folderOf(parent)}/libpod-${id}`
}

/**
 * The cgroup of a pod, in which those of its containers lie: `/libpod_parent/<id>` with cgroupfs, the slice
 * `machine-libpod_pod_<id>.slice` with systemd, as Podman's; empty where containers have none. Throws `invalid-argument` at
 * `cgroupParent`.
 */
export function podCgroup(input: CgroupInput): string {
  const { id, parent, systemd } = input
  if (hasNone(input)) return ''
  return systemd ? `${sliceOf(input).replace(/\.slice$/, '')}-libpod_pod_${id}.slice` : `${folderOf(parent)}/${id}`
}

interface CgroupInput {
  readonly id: string
  readonly parent?: string | undefined
  readonly systemd: boolean
  /** See `SpecHost`. */
  readonly delegatedControllers?: readonly string[] | undefined
}

function hasNone({ parent, delegatedControllers }: CgroupInput): boolean {
  if (parent !== undefined && /(^|\/)\.\.?(\/|$)/.test(parent)) throw badParent(parent, 'it must not contain "." or ".."')
  if (delegatedControllers?.length !== 0) return false
  if (parent === undefined) return true
  throw new LibpodError(
    'unsupported',
    'cgroupParent: without root, and without cgroups that systemd delegated to this user, containers have none of their own.',
    { what: 'cgroupParent' },
    { hint: 'Leave it out.' },
  )
}

function sliceOf({ parent, delegatedControllers }: CgroupInput): string {
  const slice = parent ?? (delegatedControllers === undefined ? 'machine.slice' : 'user.slice')
  if (!/^[^/:]+\.slice$/.test(slice)) throw badParent(slice, 'with systemd it is the name of a slice, as machine.slice')
  return slice
}

function folderOf(parent = '/libpod_parent'): string {
  const folder = parent.replace(/\/+/g, '/').replace(/\/$/, '')
  if (folder.endsWith('.slice')) throw badParent(folder, 'a slice needs systemd as the cgroup manager')
  return `${folder.startsWith('/') ? '' : '/'}${folder}`
}

function badParent(parent: string, why: string): LibpodError {
  return new LibpodError('invalid-argument', `cgroupParent: ${why}.`, { path: 'cgroupParent', value: parent })
}
