import { closeSync, constants, openSync } from 'node:fs'
import { libc } from '../native/libc.ts'

/** FS_IMMUTABLE_FL and FS_APPEND_FL, as `chattr +i` and `+a` set them. */
const protectedFlags = 0x10 | 0x20

/** Takes the immutable and append-only flags from a file or directory; where there are none, nothing happens. */
export function clearProtection(path: string | Buffer, { follow = false }: { readonly follow?: boolean } = {}): void {
  const fd = openUnlessSpecial(path, follow ? 0 : constants.O_NOFOLLOW)
  if (fd === undefined) return
  try {
    const { get, set } = requests()
    const flags = Buffer.alloc(8)
    libc().ioctl(fd, get, flags)
    const value = flags.readUInt32LE(0)
    if ((value & protectedFlags) === 0) return
    flags.writeUInt32LE((value & ~protectedFlags) >>> 0, 0)
    libc().ioctl(fd, set, flags)
  } catch {
    // A file system without such flags: the caller's next attempt fails as before, and says why.
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
