import { LibpodError } from '../../base/errors.ts'

/**
 * The OCI `cgroupsPath` of a container: `/libpod_parent/libpod-<id>` with cgroupfs, `machine.slice:libpod:<id>` with
 * systemd, as Podman's. Throws `invalid-argument` at `cgroupParent`.
 */
export function defaultCgroupsPath({
  id,
  parent,
  systemd,
  rootless = false,
}: {
  readonly id: string
  readonly parent?: string | undefined
  readonly systemd: boolean
  readonly rootless?: boolean
}): string {
  if (parent !== undefined && /(^|\/)\.\.?(\/|$)/.test(parent)) throw badParent(parent, 'it must not contain "." or ".."')
  if (systemd) {
    const slice = parent ?? (rootless ? 'user.slice' : 'machine.slice')
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
