import { isErrno } from '../../linux/errno.ts'
import { SEEK_DATA, SEEK_HOLE } from '../../linux/native/constants.ts'
import { libc } from '../../linux/native/libc.ts'
import type { DataRange } from './entry.ts'
import { blockSize } from './header.ts'

/**
 * The parts of an open file that have data, in order; what lies between reads as zeros and is nowhere on the disk. Where the file system
 * cannot tell, that is the whole file. Parts are rounded to blocks of tarballs, because GNU tar reads those of sparse files so. Looks as it
 * goes on, since a file can have more parts than memory has room for.
 */
export function* dataRanges(fd: number, size: number): Generator<DataRange, void> {
  for (let end = 0; end < size; ) {
    const data = seek(fd, end, SEEK_DATA)
    if (data === undefined || data >= size) return
    const offset = data - (data % blockSize)
    end = Math.min(Math.ceil((seek(fd, data, SEEK_HOLE) ?? size) / blockSize) * blockSize, size)
    // Nothing is there if a hole was made just now.
    if (end > offset) yield { offset, length: end - offset }
  }
}

/** `undefined` behind the last data. */
function seek(fd: number, offset: number, whence: number): number | undefined {
  try {
    return libc().lseek(fd, offset, whence)
  } catch (error) {
    if (isErrno(error, 'ENXIO')) return undefined
    if (isErrno(error, 'EINVAL', 'EOPNOTSUPP', 'ENOTSUP')) return whence === SEEK_DATA ? offset : undefined
    throw error
  }
}
