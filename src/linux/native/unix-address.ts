import { constants } from 'node:fs'
import { basename, dirname } from 'node:path'
import { AF_UNIX, O_PATH } from './constants.ts'
import { libc } from './libc.ts'

/** What fits into a sockaddr_un, without the final NUL. */
const longestPath = 107

/** Calls `use` with the address of an existing socket. Its path may be longer than an address: then it is reached through a descriptor. */
export function withSocketAddress<T>(path: string, use: (address: Buffer) => T): T {
  if (Buffer.byteLength(path) <= longestPath) return use(addressOf(path))
  return through(path, O_PATH, (fd) => use(addressOf(`/proc/self/fd/${fd}`)))
}

/** The same for a socket that is yet to be made: then it is its directory that is open. */
export function withNewSocketAddress<T>(path: string, use: (address: Buffer) => T): T {
  if (Buffer.byteLength(path) <= longestPath) return use(addressOf(path))
  return through(dirname(path), O_PATH | constants.O_DIRECTORY, (fd) => use(addressOf(`/proc/self/fd/${fd}/${basename(path)}`)))
}

function through<T>(path: string, flags: number, use: (fd: number) => T): T {
  const fd = libc().open(path, flags)
  try {
    return use(fd)
  } finally {
    libc().close(fd)
  }
}

function addressOf(path: string): Buffer {
  const address = Buffer.alloc(2 + Buffer.byteLength(path) + 1)
  address.writeUInt16LE(AF_UNIX, 0)
  address.write(path, 2)
  return address
}
