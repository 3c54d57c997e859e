import { closeSync, constants, copyFileSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { LibpodError } from '../../base/errors.ts'
import { isErrno } from '../errno.ts'
import { SEEK_DATA, SEEK_HOLE } from '../native/constants.ts'
import { libc } from '../native/libc.ts'
import { atDescriptor } from './descriptor-path.ts'

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const newFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const pieceBytes = 1 << 20

/** What a file system says that cannot let two files share their blocks, or not these two. */
const cannotShare = ['EOPNOTSUPP', 'ENOTSUP', 'ENOTTY', 'ENOSYS', 'EXDEV', 'EINVAL', 'EPERM'] as const

/** Copies the content of a regular file into a new one, holes as holes; where the file system can, the two share their blocks. Yields now and then. */
export function* copyFileData(from: Buffer, to: Buffer): Generator<void, void> {
  const source = openSync(from, readFlags)
  try {
    const { size } = regularStats(source, from)
    if (size > 0 && shared(source, to)) return
    const copy = openSync(to, newFlags, 0o600)
    try {
      ftruncateSync(copy, size)
      const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, Math.max(1, size)))
      for (let range = nextRange(source, 0, size); range !== undefined; range = nextRange(source, range.end, size))
        for (let at = range.start; at < range.end; yield) {
          const length = readSync(source, piece, 0, Math.min(piece.length, range.end - at), at)
          if (length === 0) break
          for (let done = 0; done < length; ) done += writeSync(copy, piece, done, length - done, at + done)
          at += length
        }
    } finally {
      closeSync(copy)
    }
  } finally {
    closeSync(source)
  }
}

function shared(source: number, to: Buffer): boolean {
  try {
    copyFileSync(atDescriptor(source), to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if (isErrno(error, ...cannotShare)) return false
    throw error
  }
}

function regularStats(fd: number, path: Buffer): { readonly size: number } {
  const stats = fstatSync(fd)
  if (stats.isFile()) return stats
  throw new LibpodError('conflict', `${path} was replaced while it was copied.`, { what: path.toString() }, { hint: 'Try again.' })
}

/** The next part of a file that has data. */
function nextRange(fd: number, from: number, size: number): { readonly start: number; readonly end: number } | undefined {
  if (from >= size) return undefined
  try {
    const start = libc().lseek(fd, from, SEEK_DATA)
    return { start, end: Math.min(size, libc().lseek(fd, start, SEEK_HOLE)) }
  } catch (error) {
    if (isErrno(error, 'ENXIO')) return undefined
    throw error
  }
}
