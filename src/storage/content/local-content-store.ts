import { createReadStream } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest } from '../../base/digest.ts'
import { LibpodError } from '../../base/errors.ts'
import { isErrno } from '../../linux/errno.ts'
import { writeFileAtomic } from '../../linux/fs/atomic-write.ts'
import { mapFsError } from '../../linux/fs/disk.ts'
import { unlinkIfThere } from '../../linux/fs/unlink.ts'
import type { BlobInfo, ContentStore, UnfinishedIngest } from '../content-store.ts'
import {
  blobDirectories,
  blobPath,
  type ContentPlaces,
  digestOfFile,
  ingestPath,
  placesOf,
  referenceOfFile,
  statBlob,
  syncDirectory,
} from './blob-files.ts'
import { openIngest } from './ingest.ts'
import { tryOpenIngestFile } from './ingest-file.ts'

/** Where {@link openContentStore} keeps its blobs. @public */
export interface ContentStoreOptions {
  /** Made if it is not there. Several processes may have it open. */
  readonly root: string
}

/**
 * Blobs as files, laid out as an OCI image layout without an index: `blobs/sha256/<hex>`, and what is on its way in under
 * `ingest/`. A blob gets its name by a rename, after its bytes are on the disk.
 *
 * @public
 */
export async function openContentStore({ root }: ContentStoreOptions): Promise<ContentStore> {
  const places = placesOf(root)
  try {
    for (const path of [...blobDirectories(places), places.ingests]) await mkdir(path, { recursive: true, mode: 0o700 })
    const layout = join(root, 'oci-layout')
    if (!(await exists(layout))) await finishLayout(layout, places)
  } catch (error) {
    throw mapFsError(error, root)
  }
  return {
    stat: (digest) => statBlob(places, digest),
    open: (digest, range) => openBlob(places, digest, range),
    ingest: (options) => openIngest(places, options),
    list: () => listBlobs(places),
    ingests: () => listIngests(places),
    delete: async (digest) => removeFile(blobPath(places, digest)),
  }
}

/** The file that says what this is comes last: with it all the rest is on the disk. */
async function finishLayout(path: string, { blobs }: ContentPlaces): Promise<void> {
  await syncDirectory(blobs)
  await writeFileAtomic(path, '{"imageLayoutVersion":"1.0.0"}', { mode: 0o644, durable: true })
}

async function openBlob(
  places: ContentPlaces,
  digest: Digest,
  { start = 0, end }: { readonly start?: number; readonly end?: number } = {},
): ReturnType<ContentStore['open']> {
  const blob = await statBlob(places, digest)
  for (const [path, value] of Object.entries({ start, end })) if (!isOffset(value)) throw noOffset(path, value)
  if (blob === undefined)
    throw new LibpodError(
      'not-found',
      `There is no blob ${digest}.`,
      { kind: 'blob', ref: digest },
      { hint: 'Pull or load its image again.' },
    )
  const path = blobPath(places, digest)
  const last = Math.min(end ?? blob.sizeBytes, blob.sizeBytes) - 1
  // Of a range without bytes there is nothing to ask the file for.
  const range = last < start ? { start: blob.sizeBytes } : { start, end: last }
  return { size: blob.sizeBytes, path, stream: () => createReadStream(path, { ...range, highWaterMark: 1 << 18 }) }
}

function isOffset(value: number | undefined): boolean {
  return value === undefined || (Number.isSafeInteger(value) && value >= 0)
}

function noOffset(path: string, value: unknown): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: ${String(value)} is no place in a blob.`,
    { path, value },
    { hint: 'Count its bytes from 0.' },
  )
}

async function* listBlobs(places: ContentPlaces): AsyncGenerator<BlobInfo, void> {
  for (const algorithm of await readdir(places.blobs)) {
    for (const name of await readdir(join(places.blobs, algorithm)).catch(emptyIf('ENOTDIR', 'ENOENT'))) {
      const digest = digestOfFile(algorithm, name)
      const blob = digest && (await statBlob(places, digest))
      if (blob) yield blob
    }
  }
}

async function* listIngests(places: ContentPlaces): AsyncGenerator<UnfinishedIngest, void> {
  for (const name of await readdir(places.ingests)) {
    const reference = referenceOfFile(name)
    const stats = await stat(join(places.ingests, name)).catch(() => undefined)
    if (reference === undefined || stats === undefined) continue
    yield { reference, sizeBytes: stats.size, updatedAt: stats.mtime, forget: () => forgetIngest(ingestPath(places, reference)) }
  }
}

async function forgetIngest(path: string): Promise<boolean> {
  const handle = await tryOpenIngestFile(path)
  if (handle === undefined) return false
  try {
    await removeFile(path)
    return true
  } finally {
    await handle.close()
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlinkIfThere(path)
  } catch (error) {
    throw mapFsError(error, path)
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function emptyIf(...codes: readonly string[]): (error: unknown) => string[] {
  return (error) => {
    if (isErrno(error, ...codes)) return []
    throw error
  }
}
