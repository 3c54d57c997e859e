import type { Readable } from 'node:stream'
import type { AbortOptions } from '../base/abort.ts'
import type { Digest } from '../base/digest.ts'

/**
 * The contract of a store of blobs, each known by the digest of its bytes.
 *
 * **The model.** A blob is immutable: it is there whole, or not at all. What is on its way in is an *ingest*, known by
 * a reference of the caller's choice (usually the digest it expects); an ingest survives its writer and is resumed by
 * asking for the same reference again.
 * A reference has 1 to 200 characters, of `A-Z a-z 0-9 - . _ : @ + /`.
 *
 * **The rules.** 1. `ingest().commit` checks size and digest, makes the bytes durable, and only then lets the blob appear; a
 * mismatch rejects with `corrupt` and forgets the ingest. 2. Committing a blob that is there already succeeds.
 * 3. One ingest has one writer: a second one, in any process, waits for the first. 4. The store never removes
 * anything by itself: the collector does, under leases (`leases.ts`).
 *
 * **An example.**
 * ```ts
 * const ingest = await content.ingest({ reference: digest, digest, sizeBytes: size })
 * try { for await (const chunk of body) await ingest.write(chunk); await ingest.commit() } finally { await ingest.close() }
 * ```
 *
 * @public
 */
export interface ContentStore {
  /** Size and time of a blob, or `undefined`. */
  stat(digest: Digest): Promise<BlobInfo | undefined>
  /**
   * The bytes of a blob, from `start` up to and without `end`. Rejects with `not-found`, and with `invalid-argument`
   * for what are no offsets; a range may reach beyond the end. `path` is where they lie, for those who may
   * read the file itself.
   */
  open(
    digest: Digest,
    options?: { readonly start?: number; readonly end?: number },
  ): Promise<{ readonly size: number; readonly path: string; stream(): Readable }>
  /** Begins or resumes writing a blob. */
  ingest(options: IngestOptions): Promise<Ingest>
  /** All blobs, in no order. */
  list(): AsyncIterable<BlobInfo>
  /** Unfinished ingests: the collector's business. */
  ingests(): AsyncIterable<UnfinishedIngest>
  /** Removes a blob. Only the collector calls it. A missing one is no error. */
  delete(digest: Digest): Promise<void>
}

/** A blob that is there. @public */
export interface BlobInfo {
  readonly digest: Digest
  readonly sizeBytes: number
  readonly createdAt: Date
}

/** An ingest that was not committed. @public */
export interface UnfinishedIngest {
  readonly reference: string
  readonly sizeBytes: number
  /** The time of its last write. */
  readonly updatedAt: Date
  /** Removes it, and resolves with `true`; an ingest that is being written stays. */
  forget(): Promise<boolean>
}

/** Options of {@link ContentStore.ingest}. @public */
export interface IngestOptions extends AbortOptions {
  /** Names the ingest, for resuming it. */
  readonly reference: string
  /** What the bytes must have, where it is known before. */
  readonly digest?: Digest
  readonly sizeBytes?: number
}

/** A blob being written. @public */
export interface Ingest extends AsyncDisposable {
  /** How many bytes are there already; write what follows. */
  readonly offset: number
  /** Where the growing bytes lie: a reader in another process may follow them. */
  readonly path: string
  /** The caller may use the chunk's memory again when the promise has settled. */
  write(chunk: Uint8Array): Promise<void>
  /** Begins again at nothing. */
  truncate(): Promise<void>
  /** Makes the blob appear. */
  commit(): Promise<BlobInfo>
  /** Ends writing; what is there stays for resuming unless it was committed. Idempotent. */
  close(): Promise<void>
}
