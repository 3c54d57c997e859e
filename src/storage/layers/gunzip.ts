import { gzipDecoder } from '../../linux/native/libz.ts'
import { decodeByStream } from './decode-by-stream.ts'
import { decodeNatively } from './decode-natively.ts'

/** Node's own stream is half as fast with the size it takes by itself. */
const pieceBytes = 1 << 18

/** Undoes gzip. */
export async function* gunzip(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const decoder = gzipDecoder()
  if (decoder) return yield* decodeNatively(chunks, decoder)
  const { createGunzip } = await import('node:zlib')
  yield* decodeByStream(chunks, createGunzip({ chunkSize: pieceBytes }))
}
