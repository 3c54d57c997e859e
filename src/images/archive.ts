import { isDigest } from '../base/digest.ts'
import { ociLayoutFile } from '../specs/image-spec.ts'
import type { ContentStore } from '../storage/content-store.ts'
import { archiveBytes } from './archive-bytes.ts'
import { type ArchiveEntry, archiveEntries } from './archive-entries.ts'
import { type BlobRef, copyKnown, copyUnknown, corrupt, largestDocument } from './blobs.ts'
import { type Compression, detectCompression, magicBytes } from './compression.ts'
import type { ImageLease } from './services.ts'
import { type ByteSource, peek } from './source.ts'

/** A file of a docker-archive, stored as a blob. */
export interface ArchivedFile extends BlobRef {
  readonly compression: Compression
}

/** What was found in an archive of images, its blobs now being in the content store. */
export interface ArchiveContents {
  /** `index.json`, `oci-layout`, `manifest.json`: as far as they are there. */
  readonly documents: ReadonlyMap<string, Buffer>
  /** The blobs of an image layout, by digest, with their size. */
  readonly blobs: ReadonlyMap<string, number>
  /** The other files (those of a docker-archive), by name. */
  readonly files: ReadonlyMap<string, ArchivedFile>
}

const documentNames: ReadonlySet<string> = new Set(['index.json', ociLayoutFile, 'manifest.json'])
/** Small files of a docker-archive that nothing refers to. */
const ignored = /^(repositories|[^/]+\/(VERSION|json))$/

interface Reading {
  readonly content: ContentStore
  readonly lease: ImageLease
  readonly label: string
  readonly signal: AbortSignal | undefined
  readonly documents: Map<string, Buffer>
  readonly blobs: Map<string, number>
  readonly files: Map<string, ArchivedFile>
  readonly links: Map<string, string>
}

/** Reads an archive once, from its beginning to its end, each blob straight into the content store. */
export async function readArchive(
  content: ContentStore,
  lease: ImageLease,
  source: ByteSource,
  { signal, onBytes }: { readonly signal: AbortSignal | undefined; readonly onBytes: (bytes: number) => void },
): Promise<ArchiveContents> {
  const reading: Reading = {
    content,
    lease,
    label: source.label,
    signal,
    documents: new Map(),
    blobs: new Map(),
    files: new Map(),
    links: new Map(),
  }
  const counted: ByteSource = { ...source, bytes: count(source.bytes, onBytes) }
  for await (const entry of archiveEntries(archiveBytes(counted), source.label)) await takeEntry(reading, entry)
  return { documents: reading.documents, blobs: reading.blobs, files: followLinks(reading) }
}

async function takeEntry(reading: Reading, entry: ArchiveEntry): Promise<void> {
  const { name, type, target } = entry
  if (type === 'link' && target !== undefined) reading.links.set(name, target)
  if (type !== 'file' || ignored.test(name)) return
  if (documentNames.has(name)) reading.documents.set(name, await readWhole(reading, entry))
  else if (name.startsWith('blobs/')) await takeBlob(reading, entry)
  else reading.files.set(name, await takeFile(reading, entry))
}

async function takeBlob({ content, lease, label, blobs, signal }: Reading, { name, size, bytes }: ArchiveEntry): Promise<void> {
  const digest = name.slice('blobs/'.length).replace('/', ':')
  if (!isDigest(digest)) return
  await lease.add({ digests: [digest] })
  const there = await content.stat(digest)
  if (there === undefined) await copyKnown(content, { digest, size }, bytes, { signal })
  else if (there.sizeBytes !== size) throw corrupt(label, `its blob ${digest} has ${size} bytes instead of ${there.sizeBytes}`)
  blobs.set(digest, size)
}

async function takeFile({ content, lease, signal }: Reading, { name, bytes }: ArchiveEntry): Promise<ArchivedFile> {
  const peeked = await peek(bytes, magicBytes)
  const compression = detectCompression(peeked.head, name)
  return { ...(await copyUnknown(content, lease, peeked.bytes, { signal })), compression }
}

async function readWhole({ label }: Reading, { name, size, bytes }: ArchiveEntry): Promise<Buffer> {
  if (size > largestDocument) throw corrupt(label, `its ${name} has ${size} bytes; ${largestDocument} are the most that is read`)
  const chunks: Buffer[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Older versions of Docker write a layer once and link to it; a link may lead to another. */
function followLinks({ files, links, label }: Reading): ReadonlyMap<string, ArchivedFile> {
  const all = new Map(files)
  for (const [name, first] of links) {
    let target: string | undefined = first
    for (let hops = 0; target !== undefined && !files.has(target); hops++) {
      if (hops === 10) throw corrupt(label, `its link ${name} leads in a circle`)
      target = links.get(target)
    }
    const file = target === undefined ? undefined : files.get(target)
    if (file) all.set(name, file)
  }
  return all
}

async function* count(bytes: AsyncIterable<Buffer>, onBytes: (bytes: number) => void): AsyncGenerator<Buffer, void> {
  let total = 0
  for await (const chunk of bytes) {
    yield chunk
    total += chunk.length
    onBytes(total)
  }
}
