import { mapFsError } from './fs/disk.ts'
import { libc } from './native/libc.ts'

/** Codes that mean: this file, or this file system, has no such attribute. */
const absent: ReadonlySet<string | undefined> = new Set(['ENODATA', 'ENOTSUP', 'EOPNOTSUPP'])

/** The names of the extended attributes of a file, and of a symbolic link those of its own. */
export function listXattrs(path: string | Buffer): string[] {
  return orAbsent(path, () => libc().llistxattr(path)) ?? []
}

/** The value of an extended attribute, byte by byte; `undefined` when there is none of that name. */
export function getXattr(path: string | Buffer, name: string): Buffer | undefined {
  return orAbsent(path, () => libc().lgetxattr(path, name))
}

/** Sets an extended attribute. Throws what the kernel says, so that a caller can go on without (ENOTSUP, EPERM). */
export function setXattr(path: string | Buffer, name: string, value: Uint8Array): void {
  libc().lsetxattr(path, name, value)
}

/** Removes an extended attribute; a missing one is fine. */
export function removeXattr(path: string | Buffer, name: string): void {
  orAbsent(path, () => libc().lremovexattr(path, name))
}

function orAbsent<T>(path: string | Buffer, read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (absent.has((error as NodeJS.ErrnoException).code)) return undefined
    throw mapFsError(error, path.toString())
  }
}
