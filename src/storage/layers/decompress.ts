import { detectCompression, magicBytes } from './compression.ts'
import { gunzip } from './gunzip.ts'
import { unzstd } from './unzstd.ts'

/**
 * The uncompressed bytes of a layer. How they are compressed is told by their beginning: of media types some registries
 * and tools have wrong ideas. Throws `corrupt` for what is damaged or cut off, `unsupported` for another compression.
 */
export async function* decompress(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    let head: Buffer = Buffer.alloc(0)
    while (head.length < magicBytes) {
      const next = await iterator.next()
      if (next.done) break
      head = head.length === 0 ? next.value : Buffer.concat([head, next.value])
    }
    const all = continued(head, iterator)
    const compression = detectCompression(head, 'The layer')
    yield* compression === 'gzip' ? gunzip(all) : compression === 'zstd' ? unzstd(all) : all
  } finally {
    await iterator.return?.()
  }
}

async function* continued(head: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void> {
  yield head
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
}
