import { type DockerArchiveItem, dockerArchiveSchema } from '../specs/docker-image.ts'
import { type Descriptor, imageConfigSchema, type OCIManifest, ociMediaTypes } from '../specs/image-spec.ts'
import type { ContentStore } from '../storage/content-store.ts'
import type { ArchiveContents, ArchivedFile } from './archive.ts'
import { corrupt, parseDocument, putDocument, readDocument } from './blobs.ts'
import { layerMediaTypes } from './compression.ts'
import { type ImageOffer, nameFromArchive } from './layout.ts'
import type { ImageLease } from './services.ts'

/** The images of a docker-archive. It has no manifests, so each gets one; configuration (hence the id) and layers stay byte for byte. */
export async function dockerOffers(
  content: ContentStore,
  lease: ImageLease,
  { documents, files }: ArchiveContents,
  { label, signal }: { readonly label: string; readonly signal: AbortSignal | undefined },
): Promise<readonly ImageOffer[]> {
  const data = documents.get('manifest.json')
  if (data === undefined) throw corrupt(label, 'it has neither an index.json nor a manifest.json, so it is no archive of images')
  const items = await parseDocument(data, dockerArchiveSchema, `${label}: manifest.json`)
  if (items.length === 0) throw corrupt(label, 'there is no image in it')
  const offers: ImageOffer[] = []
  for (const item of items) {
    signal?.throwIfAborted()
    const manifest = await makeManifest(content, lease, files, item, { label, signal })
    offers.push({ manifest, names: item.RepoTags.flatMap((name) => nameFromArchive(name, label, 'docker.io')) })
  }
  return offers
}

async function makeManifest(
  content: ContentStore,
  lease: ImageLease,
  files: ReadonlyMap<string, ArchivedFile>,
  item: DockerArchiveItem,
  { label, signal }: { readonly label: string; readonly signal: AbortSignal | undefined },
): Promise<Descriptor> {
  const find = (name: string): ArchivedFile => {
    const file = files.get(name.replace(/^(\.\/)+/, ''))
    if (file) return file
    throw corrupt(label, `its file ${JSON.stringify(name)} is missing`)
  }
  const { digest, size } = find(item.Config)
  const what = `${label}: configuration ${item.Config}`
  await parseDocument(await readDocument(content, { digest, size }, what), imageConfigSchema, what)
  const manifest: OCIManifest = {
    schemaVersion: 2,
    mediaType: ociMediaTypes.manifest,
    config: { mediaType: ociMediaTypes.config, digest, size },
    layers: item.Layers.map(find).map((layer) => ({
      mediaType: layerMediaTypes[layer.compression],
      digest: layer.digest,
      size: layer.size,
    })),
  }
  const blob = await putDocument(content, lease, Buffer.from(JSON.stringify(manifest)), { signal })
  return { mediaType: ociMediaTypes.manifest, ...blob }
}
