import { constants, fstatSync, readSync } from 'node:fs'
import { F_SETFL, MFD_CLOEXEC } from '../../linux/native/constants.ts'
import { libc } from '../../linux/native/libc.ts'

/** How much of what a program says is looked at. */
const maxBytes = 1024 * 1024

/** Opens a file in memory that several writers append to: what a program says when nobody has to listen meanwhile. */
export function openMemoryFile(name: string): number {
  const fd = libc().memfd_create(name, MFD_CLOEXEC)
  // Two descriptors of it, the inherited and the one opened by path, must not write over each other.
  libc().fcntl(fd, F_SETFL, constants.O_APPEND)
  return fd
}

/** The end of what was written. */
export function readMemoryFile(fd: number): string {
  const { size } = fstatSync(fd)
  const from = Math.max(0, size - maxBytes)
  const data = Buffer.alloc(size - from)
  for (let at = 0; at < data.length; ) {
    const got = readSync(fd, data, at, data.length - at, from + at)
    if (got === 0) break
    at += got
  }
  return data.toString('utf8')
}
