import { LibpodError } from '../../base/errors.ts'

/**
 * The OCI `cgroupsPath` of a container: `/libpod_parent/libpod-<id>` with cgroupfs, `machine.slice:libpod:<id>` with
 * systemd, as Podman's; empty where containers have none. Throws `invalid-argument` at `cgroupParent`.
 */
export function defaultCgroupsPath({
  id,
  parent,
  systemd,
  delegatedControllers,
}: {
  readonly id: string
  readonly parent?: string | undefined
  readonly systemd: boolean
  /** See `SpecHost`. */
  readonly delegatedControllers?: readonly string[] | undefined
}): string {
  if (parent !== undefined && /(^|\/)\.\.?(\/|$)/.test(parent)) throw badParent(parent, 'it must not contain "." or ".."')
  if (delegatedControllers?.length === 0) {
    if (parent === undefined) return ''
    throw new LibpodError(
      'unsupported',
      'cgroupParent: without root, and without cgroups that systemd delegated to this user, containers have none of their own.',
      { what: 'cgroupParent' },
      { hint: 'Leave it out.' },
    )
  }
  if (systemd) {
    const slice = parent ?? (delegatedControllers === undefined ? 'machine.slice' : 'user.slice')
    if (!/^[^/:]+\.slice$/.test(slice)) throw badParent(slice, 'with systemd it is the name of a slice, as machine.slice')
    return `${slice}:libpod:${id}`
  }
  const folder = (parent ?? '/libpod_parent').replace(/\/+/g, '/').replace(/\/$/, '')
  if (folder.endsWith('.slice')) throw badParent(folder, 'a slice needs systemd as the cgroup manager')
  return `${folder.startsWith('/') ? '' : '/'}${folder}/libpod-${id}`
}

function badParent(parent: string, why: string): LibpodError {
  return new LibpodError('invalid-argument', `cgroupParent: ${why}.`, { path: 'cgroupParent', value: parent })
}
