import { createRequire } from 'node:module'
import { zstdDecoder } from '../../linux/native/libzstd.ts'
import { corruptLayer } from './corrupt-layer.ts'
import { decodeNatively } from './decode-natively.ts'

/** The decoder in JavaScript calls itself for each frame, so it must not see too many at once. */
const pieceBytes = 1 << 14

/**
 * Undoes zstd. Not with the stream of newer Node versions: that takes the end of the first frame for the end of everything (layers
 * that can be read in parts have a frame for each file), and what is cut off for what is whole.
 */
export function unzstd(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const decoder = zstdDecoder()
  return decoder ? decodeNatively(chunks, decoder) : decodeWithFzstd(chunks)
}

/** Six times as slow, but there on every machine. */
export async function* decodeWithFzstd(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  // Synchronously: a thread of the pool could look for it while this process is confined to a tree.
  const { Decompress } = createRequire(import.meta.url)('fzstd') as typeof import('fzstd')
  const pieces: Buffer[] = []
  const decoder = new Decompress((data) => pieces.push(Buffer.from(data)))
  const push = (data: Uint8Array, isLast: boolean): void => {
    try {
      decoder.push(data, isLast)
    } catch (error) {
      throw corruptLayer('its compressed bytes are damaged or cut off', {}, error)
    }
  }
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      // A copy, for it keeps what it cannot use yet.
      push(Buffer.from(chunk.subarray(at, at + pieceBytes)), false)
      yield* pieces.splice(0)
    }
  push(new Uint8Array(0), true)
  yield* pieces.splice(0)
}
