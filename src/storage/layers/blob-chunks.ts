import { closeSync, constants, fstatSync, openSync, read } from 'node:fs'
import { promisify } from 'node:util'
import { abortable } from '../../base/abort.ts'
import { LibpodError } from '../../base/errors.ts'

/** How much is read at once. */
const chunkBytes = 1 << 18

const readAt = promisify(read)

/**
 * The bytes of a blob, in pieces. While the file still grows, `growing` tells how many bytes are there. Each piece is a buffer of its own.
 * Only the descriptor is used in threads of the pool, never a path: this process may be confined to a tree at that moment.
 */
export async function* blobChunks(
  path: string,
  growing: AsyncIterable<number> | undefined,
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const news = growing?.[Symbol.asyncIterator]()
  try {
    if (news === undefined) {
      yield* piecesOf(fd, path, 0, fstatSync(fd).size)
      return
    }
    let done = 0
    for (let next = await abortable(news.next(), signal); !next.done; next = await abortable(news.next(), signal)) {
      if (next.value <= done) continue
      yield* piecesOf(fd, path, done, next.value)
      done = next.value
    }
  } finally {
    closeSync(fd)
    Promise.resolve(news?.return?.()).catch(() => {})
  }
}

async function* piecesOf(fd: number, path: string, start: number, end: number): AsyncGenerator<Buffer, void> {
  for (let at = start; at < end; ) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, end - at))
    const { bytesRead } = await readAt(fd, buffer, 0, buffer.length, at)
    if (bytesRead === 0)
      throw new LibpodError('corrupt', `${path} ends at byte ${at}; ${end} bytes were expected.`, { what: path }, { hint: 'Get it again.' })
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
