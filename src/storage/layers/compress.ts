import { createGzip } from 'node:zlib'
import { crypto } from '../../base/crypto.ts'
import type { Digest } from '../../base/digest.ts'
import { LibpodError } from '../../base/errors.ts'
import type { Compression } from './compression.ts'
import { streamThrough } from './stream-through.ts'
import { zstd } from './zstd.ts'

/** Options of {@link compressLayer}. */
export interface CompressOptions {
  readonly compression: Compression
  /** 0 to 9 for gzip (default 6), 1 to 19 for zstd (default 3); higher is smaller and slower. */
  readonly level?: number
}

/** What is known of a layer when all its bytes have been through. */
export interface LayerSums {
  /** Of the bytes as they are stored. */
  readonly digest: Digest
  readonly sizeBytes: number
  /** Of the uncompressed bytes. */
  readonly diffId: Digest
  readonly uncompressedBytes: number
}

/** A layer being compressed. */
export interface CompressedLayer {
  readonly bytes: AsyncIterable<Buffer>
  /** Only when all `bytes` were taken. */
  sums(): LayerSums
}

const levels = { none: undefined, gzip: { min: 0, max: 9, usual: 6 }, zstd: { min: 1, max: 19, usual: 3 } } as const

/**
 * Compresses the bytes of a layer, in threads of the pool, and sums them up before and after. There is no time and no name in them: with the same
 * library the same bytes become the same. Throws `invalid-argument` for a level that is none; `bytes` throws `unavailable` where there is no zstd.
 */
export function compressLayer(source: AsyncIterable<Buffer> | Iterable<Buffer>, options: CompressOptions): CompressedLayer {
  const level = levelOf(options)
  const before = new Summed(source)
  const after = options.compression === 'none' ? before : new Summed(compressed(before, options.compression, level))
  return {
    bytes: after,
    sums() {
      const [{ digest, bytes: sizeBytes }, { digest: diffId, bytes: uncompressedBytes }] = [after.sum(), before.sum()]
      return { digest, sizeBytes, diffId, uncompressedBytes }
    },
  }
}

function compressed(source: AsyncIterable<Buffer>, compression: 'gzip' | 'zstd', level: number): AsyncIterable<Buffer> {
  if (compression === 'zstd') return zstd(source, { level })
  const gzip = createGzip({ level, chunkSize: 1 << 18 })
  return streamThrough(source, gzip, gzip)
}

function levelOf({ compression, level }: CompressOptions): number {
  const range = levels[compression]
  if (range === undefined) return 0
  const { min, max, usual } = range
  if (level === undefined) return usual
  if (Number.isInteger(level) && level >= min && level <= max) return level
  throw new LibpodError(
    'invalid-argument',
    `${level} is not a level of ${compression}.`,
    { path: 'level', value: level },
    { hint: `Levels go from ${min} to ${max}.` },
  )
}

/** Bytes that are summed up as they go by. */
class Summed implements AsyncIterable<Buffer> {
  readonly #source: AsyncIterable<Buffer> | Iterable<Buffer>
  readonly #hash = crypto().createHash('sha256')
  #bytes = 0
  #sum: { readonly digest: Digest; readonly bytes: number } | undefined

  constructor(source: AsyncIterable<Buffer> | Iterable<Buffer>) {
    this.#source = source
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    for await (const chunk of this.#source) {
      this.#hash.update(chunk)
      this.#bytes += chunk.length
      yield chunk
    }
    this.#sum = { digest: `sha256:${this.#hash.digest('hex')}`, bytes: this.#bytes }
  }

  sum(): { readonly digest: Digest; readonly bytes: number } {
    if (this.#sum === undefined) throw new LibpodError('internal', 'Not all bytes of the layer went by yet.', { what: 'compressLayer' })
    return this.#sum
  }
}
