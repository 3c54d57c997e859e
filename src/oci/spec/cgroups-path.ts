import { LibpodError } from '../../base/errors.ts'

/**
 * The OCI `cgroupsPath` of a container: `/libpod_parent/libpod-<id>` with cgroupfs, `machine.slice:libpod:<id>` with
 * systemd, as Podman's. Throws `invalid-argument` at `cgroupParent`.
 */
export function defaultCgroupsPath({ id, parent, systemd, rootless = false }: CgroupInput): string {
  return systemd ? `${sliceOf(parent, rootless)}:libpod:${id}` : `${folderOf(parent)}/libpod-${id}`
}

/**
 * The cgroup of a pod, in which those of its containers lie: `/libpod_parent/<id>` with cgroupfs, the slice
 * `machine-libpod_pod_<id>.slice` with systemd, as Podman's. Throws `invalid-argument` at `cgroupParent`.
 */
export function podCgroup({ id, parent, systemd, rootless = false }: CgroupInput): string {
  if (!systemd) return `${folderOf(parent)}/${id}`
  return `${sliceOf(parent, rootless).replace(/\.slice$/, '')}-libpod_pod_${id}.slice`
}

interface CgroupInput {
  readonly id: string
  readonly parent?: string | undefined
  readonly systemd: boolean
  readonly rootless?: boolean
}

function sliceOf(parent: string | undefined, rootless: boolean): string {
  const slice = parent ?? (rootless ? 'user.slice' : 'machine.slice')
  if (!/^[^/:]+\.slice$/.test(slice)) throw badParent(slice, 'with systemd it is the name of a slice, as machine.slice')
  return slice
}

function folderOf(parent = '/libpod_parent'): string {
  if (/(^|\/)\.\.?(\/|$)/.test(parent)) throw badParent(parent, 'it must not contain "." or ".."')
  const folder = parent.replace(/\/+/g, '/').replace(/\/$/, '')
  if (folder.endsWith('.slice')) throw badParent(folder, 'a slice needs systemd as the cgroup manager')
  return `${folder.startsWith('/') ? '' : '/'}${folder}`
}

function badParent(parent: string, why: string): LibpodError {
  return new LibpodError('invalid-argument', `cgroupParent: ${why}.`, { path: 'cgroupParent', value: parent })
}
