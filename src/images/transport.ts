import type { AbortOptions } from '../base/abort.ts'
import type { Digest } from '../base/digest.ts'
import type { RegistryCredentials } from '../config/auth-file.ts'
import type { Descriptor } from '../specs/image-spec.ts'
import type { ImageReference } from './reference.ts'

/**
 * The contract of a transport: where images come from.
 *
 * **The model.** A transport opens one image of one place as a *source*: documents (manifests and indexes) by digest, and blobs as
 * streams of bytes. It knows how to speak to that place and nothing else: what to fetch, in which order, how often again and where
 * to is decided above it, once for all transports.
 *
 * **The rules.** 1. A source hands out what it is given and believes nothing: digests and sizes are checked above. 2. A blob may be asked
 * for from an offset; a place that cannot do that gives it from its beginning and says so. 3. What fails rejects with `registry`, and
 * `details.retryable` says whether the same may work a moment later; what is not there rejects with `not-found`. 4. A source holds no
 * lock and writes no file. `close` ends what it still reads.
 *
 * **An example.**
 * ```ts
 * const source = await transport.open(reference, { tls: 'verify' })
 * try {
 *   const { data } = await source.document(undefined, {})
 *   const { bytes } = await source.blob(layer, { offset: 0 })
 * } finally { await source.close() }
 * ```
 */
export interface Transport {
  /** What stands before the first colon of a reference: `docker`. */
  readonly name: string
  /** Opens an image. Nothing has to be connected yet. */
  open(reference: ImageReference, options: OpenSourceOptions): Promise<ImageSource>
}

/** Options of {@link Transport.open}. */
export interface OpenSourceOptions extends AbortOptions {
  /** `optional`: certificates that prove nothing, and no TLS at all, are good enough. */
  readonly tls: 'verify' | 'optional'
  /** What the caller says; otherwise the transport looks at what the machine says. */
  readonly credentials?: SourceCredentials | undefined
}

/** Who one is, as the caller says: a name and a password, what a log-in gave, or a token of access. */
export type SourceCredentials = RegistryCredentials | { readonly token: string }

/** One image, open for reading. */
export interface ImageSource {
  /** What messages call it. */
  readonly label: string
  /** A manifest or an index: the one that the reference means, or that with this digest. */
  document(digest: Digest | undefined, options: AbortOptions): Promise<SourceDocument>
  /** The bytes of a blob from `offset` on. */
  blob(blob: Pick<Descriptor, 'digest' | 'size'>, options: AbortOptions & { readonly offset: number }): Promise<SourceBlob>
  close(): Promise<void>
}

/** A document as it came. */
export interface SourceDocument {
  readonly data: Buffer
  /** What the place calls it, which may be wrong. */
  readonly mediaType: string | undefined
  /** What the place says its digest is. */
  readonly claimedDigest: string | undefined
}

/** A blob on its way. */
export interface SourceBlob {
  /** Where the bytes begin: what was asked for, or 0. */
  readonly offset: number
  readonly bytes: AsyncIterable<Buffer>
}
