import { LibpodError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Ingest } from '../../storage/content-store.ts'
import type { BlobRef } from '../blobs.ts'
import { Retries } from '../retries.ts'
import type { ImageSource } from '../transport.ts'

/** What a blob is fetched with. */
export interface FetchBlobOptions {
  readonly source: ImageSource
  readonly logger: Logger
  readonly signal: AbortSignal | undefined
  /** Told how many bytes are there. */
  readonly onGrowth: (size: number) => void
}

/** So much is written at once: each write is a turn of the pool. */
const writeBytes = 1 << 18

/** Fetches what is missing of a blob, going on where a connection broke off. The caller commits the ingest, which checks the digest. */
export async function fetchBlob(ingest: Ingest, blob: BlobRef, { source, logger, signal, onGrowth }: FetchBlobOptions): Promise<void> {
  const retries = new Retries(logger, signal)
  while (ingest.offset < blob.size) {
    const before = ingest.offset
    try {
      const { offset, bytes } = await source.blob(blob, { offset: before, signal })
      for await (const chunk of gathered(behind(bytes, before - offset))) {
        signal?.throwIfAborted()
        await ingest.write(chunk)
        onGrowth(ingest.offset)
      }
      if (ingest.offset < blob.size) throw endedEarly(source, blob, ingest.offset)
    } catch (error) {
      if (ingest.offset > before) retries.progressed()
      await retries.pauseOrThrow(error)
    }
  }
}

/** Passes over bytes that are there already: not everybody can begin in the middle. */
async function* behind(bytes: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer, void> {
  let left = count
  for await (const chunk of bytes) {
    if (chunk.length > left) yield left === 0 ? chunk : chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}

/**
 * Makes few large pieces of many small ones; each lies where the one before it lay. One buffer for all of them halves what the garbage
 * collector has to do, and with it how long it keeps the event loop. What came before a failure is not lost.
 */
async function* gathered(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const piece = Buffer.allocUnsafeSlow(writeBytes)
  let size = 0
  try {
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.length; ) {
        const copied = chunk.copy(piece, size, at)
        at += copied
        size += copied
        if (size < piece.length) continue
        yield piece
        size = 0
      }
    }
  } catch (error) {
    if (size > 0) yield piece.subarray(0, size)
    throw error
  }
  if (size > 0) yield piece.subarray(0, size)
}

function endedEarly({ label }: ImageSource, { digest, size }: BlobRef, actual: number): LibpodError<'registry'> {
  return new LibpodError(
    'registry',
    `Blob ${digest} of ${label} ended after ${actual} of ${size} bytes.`,
    { registry: label, retryable: true },
    { hint: 'Pull it again, or see whether it is whole in the registry.' },
  )
}
