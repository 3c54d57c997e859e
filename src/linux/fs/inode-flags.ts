import { closeSync, constants, openSync } from 'node:fs'
import { libc } from '../native/libc.ts'

/** FS_IMMUTABLE_FL and FS_APPEND_FL, as `chattr +i` and `+a` set them. */
const protectedFlags = 0x10 | 0x20

/** FS_TOPDIR_FL, as `chattr +T` sets it. */
const topOfHierarchies = 0x20000

/** Takes the immutable and append-only flags from a file or directory; where there are none, nothing happens. */
export function clearProtection(path: string | Buffer, { follow = false }: { readonly follow?: boolean } = {}): void {
  changeFlags(path, follow ? 0 : constants.O_NOFOLLOW, (flags) => flags & ~protectedFlags)
}

/**
 * Tells ext4 that the folders in this one have nothing to do with each other: each is put where few are, with what comes into it, instead
 * of all into one block group. Where many come and go, that is what they cost: with one group its bitmaps are read and locked by all, and
 * without a journal each new file passes by the inodes of all that went in the last minutes (a third of a container's start). Other
 * file systems have no such flag, and nothing happens.
 */
export function spreadFolders(path: string): void {
  changeFlags(path, constants.O_NOFOLLOW | constants.O_DIRECTORY, (flags) => flags | topOfHierarchies)
}

function changeFlags(path: string | Buffer, openFlags: number, change: (flags: number) => number): void {
  const fd = openUnlessSpecial(path, openFlags)
  if (fd === undefined) return
  try {
    const { get, set } = requests()
    const flags = Buffer.alloc(8)
    libc().ioctl(fd, get, flags)
    const before = flags.readUInt32LE(0)
    const after = change(before) >>> 0
    if (after === before) return
    flags.writeUInt32LE(after, 0)
    libc().ioctl(fd, set, flags)
  } catch {
    // A file system without such flags: for who clears them the next attempt fails as before, and says why.
  } finally {
    closeSync(fd)
  }
}

/** FS_IOC_GETFLAGS and FS_IOC_SETFLAGS.. */
function requests(): { readonly get: number; readonly set: number } {
  return { get: 0x80086601, set: 0x40086602 }
}

/** Opening must neither wait nor do anything; a link, a socket or a missing device cannot be opened, and has no such flags either. */
function openUnlessSpecial(path: string | Buffer, flags: number): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | flags | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return undefined
  }
}
