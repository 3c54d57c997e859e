import { Readable } from 'node:stream'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { corrupt } from './blobs.ts'
import { detectCompression, magicBytes } from './compression.ts'
import { type ByteSource, peek } from './source.ts'

/** Twice as fast as with the default of 16 KiB. */
const chunkSize = 1 << 18

/** The bytes of an archive of images, decompressed if the archive as a whole is compressed. */
export async function* archiveBytes(source: ByteSource): AsyncGenerator<Buffer, void> {
  const { head, bytes } = await peek(source.bytes, magicBytes)
  if (head.length === 0) throw corrupt(source.label, 'it is empty')
  const compression = detectCompression(head, source.label)
  if (compression === 'none') return yield* bytes
  if (compression === 'gzip') return yield* gunzipped(bytes, source.label)
  throw new LibpodError(
    'unsupported',
    `${source.label} is compressed with zstd as a whole.`,
    { what: 'zstd-compressed archives' },
    { hint: 'Run it through zstd -d, or compress it with gzip.' },
  )
}

async function* gunzipped(bytes: AsyncIterable<Buffer>, label: string): AsyncGenerator<Buffer, void> {
  const input = Readable.from(bytes, { objectMode: false })
  const { createGunzip } = await import('node:zlib')
  const output = createGunzip({ chunkSize })
  input.on('error', (error) => output.destroy(error))
  try {
    yield* input.pipe(output) as AsyncIterable<Buffer>
  } catch (error) {
    const isBroken = error instanceof Error && /^Z_/.test((error as NodeJS.ErrnoException).code ?? '')
    throw isBroken && !isLibpodError(error) ? corrupt(label, 'its gzip data is damaged or cut off', error) : error
  } finally {
    input.destroy()
    output.destroy()
  }
}
