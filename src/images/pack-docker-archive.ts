import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { crypto } from '../base/crypto.ts'
import { type Digest, splitDigest } from '../base/digest.ts'
import type { DockerArchiveItem } from '../specs/docker-image.ts'
import type { ContentStore } from '../storage/content-store.ts'
import type { ImageLayer, ImageRecord } from '../storage/image-store.ts'
import { decompress } from '../storage/layers/decompress.ts'
import { corrupt, readDocument } from './blobs.ts'
import { entryAttributes, packTar } from './pack-tar.ts'

/**
 * A docker-archive of images: what `docker load` takes. Their configurations stay byte for byte, and so do their ids; the format has no
 * place for manifests, and its layers are not compressed. The list of the images comes first, for who reads it as a stream.
 */
export function packDockerImages(content: ContentStore, records: readonly ImageRecord[]): AsyncGenerator<Buffer, void> {
  return packTar(async (tar) => {
    tar.entry({ ...entryAttributes, name: 'manifest.json' }, JSON.stringify(records.map(itemOf)))
    for (const record of records) await writeConfig(tar, content, record)
    const layers = new Map(records.flatMap((record) => record.layers).map((layer) => [layer.diffId, layer]))
    for (const layer of layers.values()) await writeLayer(tar, content, layer)
    tar.finalize()
  })
}

function itemOf({ id, names, layers }: ImageRecord): DockerArchiveItem {
  return { Config: `${id}.json`, RepoTags: names, Layers: layers.map(({ diffId }) => layerFile(diffId)) }
}

function layerFile(diffId: Digest): string {
  return `${splitDigest(diffId).hex}.tar`
}

async function writeConfig(tar: Pack, content: ContentStore, { id, config }: ImageRecord): Promise<void> {
  const blob = { digest: config.digest, size: config.sizeBytes }
  tar.entry({ ...entryAttributes, name: `${id}.json` }, await readDocument(content, blob, `The configuration of image ${id.slice(0, 12)}`))
}

/** Its size stands before it, and is known only after it was decompressed: that is done twice, which costs less than the room for all of it. */
async function writeLayer(tar: Pack, content: ContentStore, layer: ImageLayer): Promise<void> {
  const blob = await content.open(layer.digest)
  const plain = layer.digest === layer.diffId
  const size = plain ? blob.size : await measure(decompress(blob.stream()), layer)
  const entry = tar.entry({ ...entryAttributes, name: layerFile(layer.diffId), size })
  await pipeline(plain ? blob.stream() : copies(decompress(blob.stream())), entry)
}

async function measure(bytes: AsyncIterable<Buffer>, { digest, diffId }: ImageLayer): Promise<number> {
  const { algorithm } = splitDigest(diffId)
  const hash = crypto().createHash(algorithm)
  let size = 0
  for await (const piece of bytes) {
    hash.update(piece)
    size += piece.length
  }
  const actual = `${algorithm}:${hash.digest('hex')}`
  if (actual === diffId) return size
  throw corrupt(`Layer ${digest}`, `its uncompressed bytes have the digest ${actual} instead of ${diffId}`)
}

/** What decompresses uses its buffers again; the archive may keep them for a while. */
async function* copies(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  for await (const piece of bytes) yield Buffer.from(piece)
}
