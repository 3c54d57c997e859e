import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { systemError } from '../errno.ts'

const chunkBytes = 64 * 1024
const [EAGAIN, EFBIG] = [11, 27]

/**
 * Reads a file that somebody names, which need not be a file: it never waits, and never takes more than `maxBytes`. Throws EFBIG for what is
 * larger, EAGAIN for a pipe or a terminal that has nothing to read, and what the system calls throw, as EISDIR and ENOENT.
 */
export async function readWithin(path: string, maxBytes: number): Promise<Buffer> {
  // Without O_NONBLOCK a thread of the pool would wait for somebody who writes to a fifo, and the process could not even exit.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    const parts: Buffer[] = []
    const buffer = Buffer.allocUnsafe(chunkBytes)
    let total = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes)
      if (bytesRead === 0) break
      total += bytesRead
      if (total > maxBytes) throw systemError(EFBIG, 'read', path)
      parts.push(Buffer.from(buffer.subarray(0, bytesRead)))
    }
    // A fifo that nobody writes to looks as if it were at its end, and would pass for an empty file.
    if (total === 0 && (await file.stat()).isFIFO()) throw systemError(EAGAIN, 'read', path)
    return Buffer.concat(parts)
  } finally {
    await file.close()
  }
}

const reasons: Readonly<Record<string, string>> = {
  EISDIR: 'it is a folder',
  EAGAIN: 'there is nothing to read in it yet, or it has not ended',
  ENXIO: 'it is a socket, or a device that is not there',
  EFBIG: 'it is too large',
}

/** Why {@link readWithin} failed, to be put into a message. */
export function whyUnreadable(error: unknown): string {
  const { code = 'unknown' } = error as NodeJS.ErrnoException
  return reasons[code] ?? code
}
