import { posix } from 'node:path'
import { checkName } from '../../base/names.ts'
import { checkMountOptions, completeMountOptions } from './mount-options.ts'

/** Something mounted in a container. @public */
export type ContainerMount = BindMount | ImageMount | TmpfsMount | VolumeMount

/** A folder or file of the host in the container. @public */
export interface BindMount {
  readonly type: 'bind'
  /** Its absolute path on the host. It must be there, unless `create` is given. */
  readonly source: string
  /** Its absolute path in the container. */
  readonly target: string
  readonly readOnly?: boolean | undefined
  /** Make the source, a folder, if it is not there when the container starts: what Docker's `-v` does. */
  readonly create?: boolean | undefined
  /**
   * As of mount(8): `nosuid`, `noexec`, `nodev`, `rprivate` (default), `rslave`, `rshared`, `rbind` (default), `bind`, …; as of
   * Podman: `U` (its owner becomes the container's user; refused at the start for what the host, its users or the engine cannot do
   * without, as `/etc` or a home), `z` and `Z` (labels of SELinux; nothing where there is none).
   */
  readonly options?: readonly string[] | undefined
}

/** A file system in memory. @public */
export interface TmpfsMount {
  readonly type: 'tmpfs'
  /** Its absolute path in the container. */
  readonly target: string
  /** Half of the machine's memory if not given. */
  readonly sizeBytes?: number | undefined
  /** The mode of its top folder, as `0o1777`. */
  readonly mode?: number | undefined
  readonly readOnly?: boolean | undefined
  /** `noexec`, `notmpcopyup` (do not show what the image has there), … */
  readonly options?: readonly string[] | undefined
}

/**
 * A volume in the container. One that does not exist is made together with the container. The first time a container uses it, and
 * only while it is empty, what the image has at the target is copied into it, with its owner and mode.
 *
 * @public
 */
export interface VolumeMount {
  readonly type: 'volume'
  /** Its name; an anonymous volume, which can go with its container, if not given. */
  readonly source?: string | undefined
  /** Its absolute path in the container. */
  readonly target: string
  readonly readOnly?: boolean | undefined
  /** Copy what the image has at the target: `true`. */
  readonly copy?: boolean | undefined
  /** Who keeps it, if it is made now: `local`. */
  readonly driver?: string | undefined
  /** As of a bind mount; `nosuid` and `nodev` if nothing else is said. Also `nocopy`. */
  readonly options?: readonly string[] | undefined
}

/** The root file system of an image in the container. @public */
export interface ImageMount {
  readonly type: 'image'
  /** The image: a name, an id or the beginning of one. */
  readonly source: string
  /** Its absolute path in the container. */
  readonly target: string
  /** `true` if not given. What is written otherwise stays with the container, and goes with it. */
  readonly readOnly?: boolean | undefined
  /** As of a bind mount; `nosuid` and `nodev` if nothing else is said. */
  readonly options?: readonly string[] | undefined
}

/** A mount as it is stored: its options are complete. */
export interface NormalizedMount {
  readonly type: ContainerMount['type']
  /** A path, `tmpfs`, the name of a volume (empty until an anonymous one has got its), or an image as the caller called it. */
  readonly source: string
  readonly target: string
  readonly options: readonly string[]
  readonly create?: true
  readonly driver?: string
}

/** Completes a mount's options with the defaults, in Podman's order. The result is also a fixed point: it can be put in again. */
export function normalizeMount(mount: ContainerMount, path: string): NormalizedMount {
  const given = givenOptions(mount)
  checkMountOptions(given, mount.type, `${path}.options`)
  return {
    type: mount.type,
    source: sourceOf(mount, `${path}.source`),
    target: normalPath(mount.target),
    options: completeMountOptions(given, mount.type),
    ...(mount.type === 'bind' && mount.create ? { create: true } : {}),
    ...(mount.type === 'volume' && mount.driver !== undefined ? { driver: mount.driver } : {}),
  }
}

function sourceOf(mount: ContainerMount, path: string): string {
  switch (mount.type) {
    case 'bind':
      return normalPath(mount.source)
    case 'image':
      return mount.source
    case 'tmpfs':
      return 'tmpfs'
    case 'volume':
      return mount.source === undefined ? '' : checkName(mount.source, path)
  }
}

function givenOptions(mount: ContainerMount): string[] {
  const options = [...(mount.options ?? [])]
  if (mount.readOnly !== undefined) options.push(mount.readOnly ? 'ro' : 'rw')
  if (mount.type === 'tmpfs' && mount.sizeBytes !== undefined) options.push(`size=${mount.sizeBytes}`)
  if (mount.type === 'tmpfs' && mount.mode !== undefined) options.push(`mode=${mount.mode.toString(8)}`)
  if (mount.type === 'volume' && mount.copy !== undefined) options.push(mount.copy ? 'copy' : 'nocopy')
  return [...new Set(options)]
}

/** An absolute path without `.`, `..`, double and trailing slashes. */
export function normalPath(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}
