import type { Hash } from 'node:crypto'
import { type FileHandle, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crypto } from '../../base/crypto.ts'
import { type Digest, splitDigest } from '../../base/digest.ts'
import { LibpodError } from '../../base/errors.ts'
import { mapFsError } from '../../linux/fs/disk.ts'
import type { BlobInfo, Ingest, IngestOptions } from '../content-store.ts'
import { blobPath, type ContentPlaces, ingestPath, statBlob, syncDirectory } from './blob-files.ts'
import { openIngestFile } from './ingest-file.ts'

/** How much is written before the disk is told to begin: what is on it already, the commit need not wait for. */
const flushBytes = 32 << 20
const readBytes = 1 << 20

/** Begins an ingest, or goes on with one: what is there is read once, for its digest. */
export async function openIngest(places: ContentPlaces, options: IngestOptions): Promise<Ingest> {
  const path = ingestPath(places, options.reference)
  const { digest } = options
  // A malformed digest is refused now, not after the bytes.
  if (digest !== undefined) blobPath(places, digest)
  try {
    const handle = await openIngestFile(path, options)
    try {
      const hash = crypto().createHash(digest === undefined ? 'sha256' : splitDigest(digest).algorithm)
      const offset = await hashFile(handle, hash, options.signal)
      return new IngestWriter(places, options, { path, handle, hash, offset })
    } catch (error) {
      await handle.close()
      throw error
    }
  } catch (error) {
    options.signal?.throwIfAborted()
    throw mapFsError(error, path)
  }
}

async function hashFile(handle: FileHandle, hash: Hash, signal: AbortSignal | undefined): Promise<number> {
  const { size } = await handle.stat()
  const buffer = size > 0 ? Buffer.allocUnsafe(Math.min(size, readBytes)) : undefined
  let offset = 0
  while (buffer !== undefined) {
    signal?.throwIfAborted()
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset)
    if (bytesRead === 0) break
    hash.update(buffer.subarray(0, bytesRead))
    offset += bytesRead
  }
  return offset
}

interface GrowingFile {
  readonly path: string
  readonly handle: FileHandle
  readonly hash: Hash
  readonly offset: number
}

class IngestWriter implements Ingest {
  readonly path: string
  readonly #places: ContentPlaces
  readonly #options: IngestOptions
  readonly #handle: FileHandle
  #hash: Hash
  #offset: number
  #unflushed = 0
  #flushing: Promise<void> | undefined
  #flushError: unknown
  #state: 'open' | 'done' | 'closed' = 'open'

  constructor(places: ContentPlaces, options: IngestOptions, { path, handle, hash, offset }: GrowingFile) {
    this.#places = places
    this.#options = options
    this.path = path
    this.#handle = handle
    this.#hash = hash
    this.#offset = offset
  }

  get offset(): number {
    return this.#offset
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#check()
    const { sizeBytes } = this.#options
    if (sizeBytes !== undefined && this.#offset + chunk.length > sizeBytes)
      return this.#refuse(`it has more than the ${sizeBytes} bytes that were announced`)
    try {
      for (let at = 0; at < chunk.length; ) at += (await this.#handle.write(chunk, at, chunk.length - at, null)).bytesWritten
    } catch (error) {
      // The file may hold a part of the chunk, which the hash does not know of.
      await this.#handle.truncate(this.#offset).catch(() => {})
      throw mapFsError(error, this.path)
    }
    this.#hash.update(chunk)
    this.#offset += chunk.length
    this.#unflushed += chunk.length
    if (this.#unflushed >= flushBytes) this.#flush()
  }

  async truncate(): Promise<void> {
    this.#check()
    await this.#handle.truncate(0)
    this.#hash = crypto().createHash(this.#options.digest === undefined ? 'sha256' : splitDigest(this.#options.digest).algorithm)
    this.#offset = 0
  }

  async commit(): Promise<BlobInfo> {
    this.#check()
    const { digest, sizeBytes } = this.#options
    if (sizeBytes !== undefined && sizeBytes !== this.#offset)
      return this.#refuse(`it has ${this.#offset} bytes instead of the ${sizeBytes} that were announced`)
    const algorithm = digest === undefined ? 'sha256' : splitDigest(digest).algorithm
    const actual: Digest = `${algorithm}:${this.#hash.copy().digest('hex')}`
    if (digest !== undefined && digest !== actual) return this.#refuse(`its digest is ${actual}`)
    this.#state = 'done'
    try {
      const path = blobPath(this.#places, actual)
      if ((await statBlob(this.#places, actual)) === undefined) await this.#appear(path)
      else await unlink(this.path)
      // Also where another process has just made it: its name may not be on the disk yet.
      await syncDirectory(dirname(path))
      return (await statBlob(this.#places, actual)) ?? { digest: actual, sizeBytes: this.#offset, createdAt: new Date() }
    } catch (error) {
      throw mapFsError(error, this.path)
    } finally {
      await this.close()
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    await this.#flushing
    await this.#handle.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** First the bytes are on the disk, then they have a name: whoever sees a blob may rely on it, also after a power cut. */
  async #appear(path: string): Promise<void> {
    await this.#flushing
    // The kernel tells an error of writing back only once.
    if (this.#flushError !== undefined) throw this.#flushError
    await this.#handle.chmod(0o644)
    await this.#handle.sync()
    await rename(this.path, path)
  }

  #flush(): void {
    if (this.#flushing) return
    this.#unflushed = 0
    this.#flushing = this.#handle
      .datasync()
      .catch((error: unknown) => {
        this.#flushError = error
      })
      .finally(() => {
        this.#flushing = undefined
      })
  }

  async #refuse(why: string): Promise<never> {
    this.#state = 'done'
    await unlink(this.path).catch(() => {})
    await this.close()
    const what = this.#options.digest ?? this.#options.reference
    throw new LibpodError(
      'corrupt',
      `${what} came in damaged: ${why}.`,
      { what },
      { hint: 'What was stored of it is forgotten. Get it again.' },
    )
  }

  #check(): void {
    if (this.#state === 'open') return
    throw new LibpodError(
      'closed',
      `The ingest ${this.#options.reference} is over.`,
      { what: `ingest ${this.#options.reference}` },
      { hint: 'Begin a new one.' },
    )
  }
}
