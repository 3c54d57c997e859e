import { closeSync, constants, fstatSync, openSync, read } from 'node:fs'
import { promisify } from 'node:util'
import { abortable } from '../../base/abort.ts'
import { LibpodError } from '../../base/errors.ts'

/** How much is read at once. */
const chunkBytes = 1 << 18

/** Two of them: while one is in use, the other is filled. */
type Buffers = [free: Buffer, used: Buffer]

const readAt = promisify(read)

/**
 * The bytes of a blob, in pieces; one is good until the next but one is asked for. While the file still grows, `growing` tells how
 * many bytes are there.
 * Only the descriptor is used in threads of the pool, never a path: this process may be confined to a tree at that moment.
 */
export async function* blobChunks(
  path: string,
  growing: AsyncIterable<number> | undefined,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const buffers: Buffers = [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)]
  const news = growing?.[Symbol.asyncIterator]()
  try {
    if (news === undefined) {
      yield* piecesOf(fd, path, buffers, 0, fstatSync(fd).size)
      return
    }
    let done = 0
    for (let next = await abortable(news.next(), signal); !next.done; next = await abortable(news.next(), signal)) {
      if (next.value <= done) continue
      yield* piecesOf(fd, path, buffers, done, next.value)
      done = next.value
    }
  } finally {
    closeSync(fd)
    Promise.resolve(news?.return?.()).catch(() => {})
  }
}

async function* piecesOf(fd: number, path: string, buffers: Buffers, start: number, end: number): AsyncGenerator<Buffer, void> {
  for (let at = start; at < end; ) {
    const [buffer, used] = buffers
    buffers[0] = used
    buffers[1] = buffer
    const { bytesRead } = await readAt(fd, buffer, 0, Math.min(buffer.length, end - at), at)
    if (bytesRead === 0)
      throw new LibpodError('corrupt', `${path} ends at byte ${at}; ${end} bytes were expected.`, { what: path }, { hint: 'Get it again.' })
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
