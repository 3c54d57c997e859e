import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { splitDigest } from '../base/digest.ts'
import { type Descriptor, type OCIIndex, ociAnnotations, ociLayoutFile, ociLayoutVersion, ociMediaTypes } from '../specs/image-spec.ts'
import type { ContentStore } from '../storage/content-store.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { type BlobRef, corrupt } from './blobs.ts'
import { entryAttributes, packTar } from './pack-tar.ts'

/** An oci-archive of images, their manifests and blobs byte for byte; the index comes first, for who reads it as a stream. */
export function packImages(content: ContentStore, records: readonly ImageRecord[]): AsyncGenerator<Buffer, void> {
  return packTar((tar) => writeArchive(tar, content, records))
}

async function writeArchive(tar: Pack, content: ContentStore, records: readonly ImageRecord[]): Promise<void> {
  tar.entry({ ...entryAttributes, name: ociLayoutFile }, JSON.stringify({ imageLayoutVersion: ociLayoutVersion }))
  tar.entry({ ...entryAttributes, name: 'index.json' }, JSON.stringify(indexOf(records)))
  for (const blob of blobsOf(records)) await writeBlob(tar, content, blob)
  tar.finalize()
}

/** Every name of an image is a descriptor of its own, as the specification wants it. */
function indexOf(records: readonly ImageRecord[]): OCIIndex {
  const manifests = records.flatMap(({ names, manifest }): Descriptor[] => {
    const descriptor = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.sizeBytes }
    return names.length === 0 ? [descriptor] : names.map((name) => ({ ...descriptor, annotations: { [ociAnnotations.refName]: name } }))
  })
  return { schemaVersion: 2, mediaType: ociMediaTypes.index, manifests }
}

function blobsOf(records: readonly ImageRecord[]): Iterable<BlobRef> {
  const all = records.flatMap(({ manifest, config, layers }) => [manifest, config, ...layers])
  return new Map(all.map(({ digest, sizeBytes }) => [digest, { digest, size: sizeBytes }])).values()
}

async function writeBlob(tar: Pack, content: ContentStore, { digest, size }: BlobRef): Promise<void> {
  const blob = await content.open(digest)
  if (blob.size !== size) throw corrupt(`Blob ${digest}`, `it has ${blob.size} bytes instead of ${size}`)
  const { algorithm, hex } = splitDigest(digest)
  await pipeline(blob.stream(), tar.entry({ ...entryAttributes, name: `blobs/${algorithm}/${hex}`, size }))
}
