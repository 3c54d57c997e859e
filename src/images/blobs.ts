import type { AbortOptions } from '../base/abort.ts'
import { crypto } from '../base/crypto.ts'
import { type Digest, digestOf, splitDigest } from '../base/digest.ts'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Schema } from '../base/schema.ts'
import type { ContentStore } from '../storage/content-store.ts'
import type { ImageLease } from './services.ts'

/** The largest manifest, index or configuration that is read into memory. */
export const largestDocument = 8 * 1024 * 1024

/** What a blob is known by. */
export interface BlobRef {
  readonly digest: Digest
  readonly size: number
}

/** Stores a small document under a lease. */
export async function putDocument(
  content: ContentStore,
  lease: ImageLease,
  data: Buffer,
  options: AbortOptions,
  digest: Digest = digestOf(data),
): Promise<BlobRef> {
  await lease.add({ digests: [digest] })
  if ((await content.stat(digest)) === undefined) await copyKnown(content, { digest, size: data.length }, [data], options)
  return { digest, size: data.length }
}

/** Stores bytes whose digest is known before; a mismatch rejects with `corrupt`. The lease must name the digest already. */
export async function copyKnown(
  content: ContentStore,
  { digest, size }: BlobRef,
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { signal }: AbortOptions,
): Promise<void> {
  const ingest = await content.ingest({ reference: digest, digest, sizeBytes: size, signal })
  try {
    // What an earlier attempt left is not trusted: the source is at hand, and reading it again costs less than a wrong guess.
    if (ingest.offset > 0) await ingest.truncate()
    for await (const chunk of source) {
      signal?.throwIfAborted()
      await ingest.write(chunk)
    }
    signal?.throwIfAborted()
    await ingest.commit()
  } finally {
    await ingest.close()
  }
}

/** Stores bytes whose digest is known only at their end: it is named in the lease before the blob appears. */
export async function copyUnknown(
  content: ContentStore,
  lease: ImageLease,
  source: AsyncIterable<Uint8Array>,
  { signal }: AbortOptions,
): Promise<BlobRef> {
  const ingest = await content.ingest({ reference: `unnamed-${newId()}`, signal })
  const hash = crypto().createHash('sha256')
  let size = 0
  try {
    for await (const chunk of source) {
      signal?.throwIfAborted()
      hash.update(chunk)
      size += chunk.length
      await ingest.write(chunk)
    }
    signal?.throwIfAborted()
    const digest: Digest = `sha256:${hash.digest('hex')}`
    await lease.add({ digests: [digest] })
    await ingest.commit()
    return { digest, size }
  } catch (error) {
    await ingest.truncate().catch(() => {})
    throw error
  } finally {
    await ingest.close()
  }
}

/** The bytes of a small document, checked against its size and digest. Rejects with `corrupt`, also if the blob is not there. */
export async function readDocument(content: ContentStore, { digest, size }: BlobRef, what: string): Promise<Buffer> {
  if (size > largestDocument) throw corrupt(what, `it claims ${size} bytes; ${largestDocument} are the most that is read`)
  const { size: actual, stream } = await content.open(digest).catch((error: unknown): never => {
    throw isLibpodError(error, 'not-found') ? corrupt(what, `its blob ${digest} is missing`, error) : error
  })
  if (actual !== size) throw corrupt(what, `its blob ${digest} has ${actual} bytes instead of ${size}`)
  const chunks: Buffer[] = []
  for await (const chunk of stream()) chunks.push(chunk)
  return checkBytes(Buffer.concat(chunks), { digest, size }, what)
}

/** The bytes themselves, if they are those of a digest. Throws `corrupt` otherwise. */
export function checkBytes(data: Buffer, { digest, size }: BlobRef, what: string): Buffer {
  if (data.length !== size) throw corrupt(what, `it has ${data.length} bytes instead of ${size}`)
  if (digestOf(data, splitDigest(digest).algorithm) !== digest) throw corrupt(what, `its bytes are not those of ${digest}`)
  return data
}

/** Reads JSON that came from outside. */
export async function parseDocument<T>(data: Buffer, schema: Schema<T>, what: string): Promise<T> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data))
  } catch (error) {
    throw corrupt(what, 'it is not JSON', error)
  }
  return schema.parse(value).catch((error: unknown): never => {
    if (!isLibpodError(error, 'invalid-argument')) throw error
    throw corrupt(what, error.message.replace(/\.$/, ''), error)
  })
}

/** What came in is damaged, forged or cut off. */
export function corrupt(what: string, why: string, cause?: unknown): LibpodError<'corrupt'> {
  return new LibpodError(
    'corrupt',
    `${what} is not usable: ${why}.`,
    { what },
    { hint: 'Get it again from where it was made.', ...(cause === undefined ? {} : { cause }) },
  )
}
