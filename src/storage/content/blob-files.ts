import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, isDigest, parseDigest, splitDigest } from '../../base/digest.ts'
import { LibpodError } from '../../base/errors.ts'
import { isErrno } from '../../linux/errno.ts'
import type { BlobInfo } from '../content-store.ts'

/** Where a store keeps things: blobs as an OCI image layout does, and beside them what is still growing. */
export interface ContentPlaces {
  readonly blobs: string
  readonly ingests: string
}

const suffix = '.part'
const longestName = 240

export function placesOf(root: string): ContentPlaces {
  return { blobs: join(root, 'blobs'), ingests: join(root, 'ingest') }
}

/** Where a blob lies. The digest may have come from outside: what is not one must not become a path. */
export function blobPath({ blobs }: ContentPlaces, digest: Digest): string {
  const { algorithm, hex } = splitDigest(parseDigest(digest, 'digest'))
  return join(blobs, algorithm, hex)
}

/** What is known of a blob, or `undefined`. */
export async function statBlob(places: ContentPlaces, digest: Digest): Promise<BlobInfo | undefined> {
  try {
    const stats = await stat(blobPath(places, digest))
    return stats.isFile() ? { digest, sizeBytes: stats.size, createdAt: stats.mtime } : undefined
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

/** The digest that a file among the blobs stands for. */
export function digestOfFile(algorithm: string, name: string): Digest | undefined {
  const digest = `${algorithm}:${name}`
  return isDigest(digest) ? digest : undefined
}

/** Where an ingest grows: named so that its reference can be read from it. */
export function ingestPath({ ingests }: ContentPlaces, reference: string): string {
  const name = encodeURIComponent(reference) + suffix
  if (reference !== '' && name.length <= longestName) return join(ingests, name)
  throw new LibpodError(
    'invalid-argument',
    `${JSON.stringify(reference)} cannot be the reference of an ingest.`,
    { path: 'reference', value: reference },
    { hint: 'It is a text of at most 200 bytes, most often the digest that is expected.' },
  )
}

/** The reference of a file among the ingests. */
export function referenceOfFile(name: string): string | undefined {
  if (!name.endsWith(suffix)) return undefined
  try {
    return decodeURIComponent(name.slice(0, -suffix.length))
  } catch {
    return undefined
  }
}
