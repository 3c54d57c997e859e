import { Readable, type Transform } from 'node:stream'
import { corruptLayer } from './corrupt-layer.ts'

/** Decompresses with one of the streams of node:zlib. */
export async function* decodeByStream(chunks: AsyncIterable<Buffer>, decoder: Transform): AsyncGenerator<Buffer, void> {
  const source = Readable.from(copiesOf(chunks), { objectMode: true })
  source.once('error', (error) => decoder.destroy(error))
  try {
    for await (const piece of source.pipe(decoder)) yield piece as Buffer
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    if (!/^(Z_|ZSTD_)/.test(code)) throw error
    throw corruptLayer(`its compressed bytes are ${code === 'Z_BUF_ERROR' ? 'cut off' : 'damaged'}`, {}, error)
  } finally {
    source.destroy()
    decoder.destroy()
  }
}

/** Streams keep several pieces at once. */
async function* copiesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  for await (const chunk of chunks) yield Buffer.from(chunk)
}
