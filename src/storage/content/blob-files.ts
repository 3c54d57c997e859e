import { open, stat } from 'node:fs/promises'
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
const references = /^[\w.:@+/-]{1,200}$/

export function placesOf(root: string): ContentPlaces {
  return { blobs: join(root, 'blobs'), ingests: join(root, 'ingest') }
}

/** One for each algorithm. They are there from the beginning, so that no commit has to make sure of them. */
export function blobDirectories({ blobs }: ContentPlaces): string[] {
  return ['sha256', 'sha512'].map((algorithm) => join(blobs, algorithm))
}

/** Puts the names in a directory on the disk. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
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
  if (references.test(reference)) return join(ingests, reference.replaceAll('/', '%') + suffix)
  throw new LibpodError(
    'invalid-argument',
    `${JSON.stringify(reference)} cannot be the reference of an ingest.`,
    { path: 'reference', value: reference },
    { hint: 'It has 1 to 200 letters, digits and characters of -._:@+/; most often it is the digest that is expected.' },
  )
}

/** The reference of a file among the ingests. */
export function referenceOfFile(name: string): string | undefined {
  if (!name.endsWith(suffix)) return undefined
  const reference = name.slice(0, -suffix.length).replaceAll('%', '/')
  return references.test(reference) ? reference : undefined
}
