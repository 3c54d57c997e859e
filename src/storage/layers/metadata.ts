import { futimesSync } from 'node:fs'
import { LibpodError } from '../../base/errors.ts'
import { isErrno } from '../../linux/errno.ts'
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../../linux/native/constants.ts'
import { libc } from '../../linux/native/libc.ts'
import { listXattrs, removeXattr, setXattr } from '../../linux/xattr.ts'
import type { EntryTime, LayerEntry } from './entry.ts'
import type { LayerWarnings } from './warnings.ts'

/** What overlay keeps its own state in. An archive must not make it believe things. */
const overlayXattrs = /^(trusted|user)\.overlay\./

/** Why an attribute may be impossible to set: the file system, the rights, or the value. None of it damages the file. */
const refusals = ['ENOTSUP', 'EOPNOTSUPP', 'EPERM', 'EACCES', 'EINVAL', 'E2BIG', 'ERANGE', 'ENOSPC', 'EDQUOT'] as const

/** What new files in a directory get; set when all are there. */
export const defaultAcl = 'system.posix_acl_default'

/** Sets the extended attributes of a file, without {@link defaultAcl}. After the owner: a change of that takes the capabilities away. */
export function applyXattrs(path: Buffer, { xattrs }: LayerEntry, warnings: LayerWarnings): void {
  for (const [name, value] of xattrs) {
    if (overlayXattrs.test(name)) {
      warnings.add(name, `The attribute ${name} is left out: it is overlay's own.`)
    } else if (name !== defaultAcl) applyXattr(path, name, value, warnings)
  }
}

/** Sets one attribute, if that is possible here. */
export function applyXattr(path: Buffer, name: string, value: Buffer, warnings: LayerWarnings): void {
  try {
    setXattr(path, name, value)
  } catch (error) {
    if (!isErrno(error, ...refusals)) throw error
    warnings.add(name, `The attribute ${name} cannot be set on ${JSON.stringify(path.toString())}, and perhaps others (${error.code}).`)
  }
}

/** Removes the attributes that an entry does not have, from a directory that was there before it. */
export function dropXattrs(path: Buffer, { xattrs }: LayerEntry): void {
  for (const name of listXattrs(path)) if (!xattrs.has(name) && name !== 'security.selinux') removeXattr(path, name)
}

/** Sets the modification time of a file, or of a link itself, to the nanosecond; the access time is the same. */
export function applyTime(path: Buffer, { seconds, nanoseconds }: EntryTime): void {
  const time = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
  libc().utimensat(AT_FDCWD, path, time, time, AT_SYMLINK_NOFOLLOW)
}

/** The same through the open file, which takes a third of the time, for what Node's own call is exact for; else gives `false`. */
export function applyWholeTime(fd: number, { seconds, nanoseconds }: EntryTime): boolean {
  if (nanoseconds !== 0 || !(seconds >= 0 && seconds <= 0x7fff_ffff)) return false
  futimesSync(fd, seconds, seconds)
  return true
}

/** Runs a change of owner; in a user namespace there may be no such one. */
export function changeOwner({ uid, gid }: LayerEntry, change: (uid: number, gid: number) => void): void {
  try {
    change(uid, gid)
  } catch (error) {
    if (!isErrno(error, 'EINVAL')) throw error
    throw new LibpodError(
      'unsupported',
      `The layer has files of the owner ${uid}:${gid}, which this user namespace has no room for.`,
      { what: `owner ${uid}:${gid}` },
      { hint: 'Give the user more ids in /etc/subuid and /etc/subgid.', cause: error },
    )
  }
}
