import { createGunzip } from 'node:zlib'
import { gzipDecoder } from '../../linux/native/libz.ts'
import { decodeByStream } from './decode-by-stream.ts'
import { decodeNatively } from './decode-natively.ts'

/** Node's own stream is half as fast with the size it takes by itself. */
const pieceBytes = 1 << 18

/** Undoes gzip. */
export function gunzip(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const decoder = gzipDecoder()
  return decoder ? decodeNatively(chunks, decoder) : decodeByStream(chunks, createGunzip({ chunkSize: pieceBytes }))
}
