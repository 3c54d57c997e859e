import { LibpodError } from '../base/errors.ts'
import { dockerMediaTypes } from '../specs/docker-image.ts'
import {
  type Descriptor,
  imageConfigSchema,
  manifestSchema,
  type OCIImageConfig,
  type OCIManifest,
  ociMediaTypes,
} from '../specs/image-spec.ts'
import type { ImageLayer } from '../storage/image-store.ts'
import { corrupt, parseDocument, readDocument } from './blobs.ts'
import { chainIdsOf } from './chain-id.ts'
import { knownLayerTypes } from './compression.ts'
import type { LayoutBlobs } from './layout.ts'

/** An image whose documents are read and whose blobs are all there. */
export interface VerifiedImage {
  readonly manifest: Descriptor
  readonly config: Descriptor
  readonly configuration: OCIImageConfig
  readonly layers: readonly ImageLayer[]
}

/**
 * A container's mount names its layers in one page of options, 24 bytes for each, beside what else it has to say. An image of more could
 * be stored, but not run; it is refused before it is fetched.
 */
const mostLayers = 160

const configTypes: ReadonlySet<string> = new Set([ociMediaTypes.config, dockerMediaTypes.config])

/** Reads manifest and configuration of an image, and makes sure that they fit together and that every blob is there with its size. */
export async function verifyImage(blobs: LayoutBlobs, manifest: Descriptor): Promise<VerifiedImage> {
  const what = `${blobs.label}: image ${manifest.digest}`
  await blobs.require(manifest)
  const { config, layers } = await checkManifest(manifest, await readDocument(blobs.content, manifest, what), what)
  await blobs.require(config)
  const configuration = await parseConfig(await readDocument(blobs.content, config, `${what}, its configuration`), what)
  for (const layer of layers) await blobs.require(layer)
  return { manifest, config, configuration, layers: layersOf(layers, configuration, what) }
}

/** Reads the manifest of an image. Throws `unsupported` for one of something else than an image that can be run. */
export async function checkManifest(manifest: Pick<Descriptor, 'mediaType'>, data: Buffer, what: string): Promise<OCIManifest> {
  const parsed = await parseManifest(data, what)
  const { config, layers, mediaType } = parsed
  if (mediaType !== undefined && mediaType !== manifest.mediaType)
    throw corrupt(what, `its manifest calls itself ${mediaType}, its index ${manifest.mediaType}`)
  if (!configTypes.has(config.mediaType)) throw refuseType(what, `its configuration is of the type ${config.mediaType}`, config.mediaType)
  if (layers.length > mostLayers) throw tooManyLayers(what, layers.length)
  const foreign = layers.find((layer) => !knownLayerTypes.has(layer.mediaType))
  if (foreign) throw refuseType(what, `its layer ${foreign.digest} is of the type ${foreign.mediaType}`, foreign.mediaType)
  return parsed
}

/** Reads the configuration of an image. */
export function parseConfig(data: Buffer, what: string): Promise<OCIImageConfig> {
  return parseDocument(data, imageConfigSchema, `${what}, its configuration`)
}

/** One that could also be read as an index is refused: engines would disagree about what it is. */
async function parseManifest(data: Buffer, what: string): Promise<OCIManifest> {
  const manifest = await parseDocument(data, manifestSchema, what)
  if ((JSON.parse(data.toString()) as { manifests?: unknown }).manifests === undefined) return manifest
  throw corrupt(what, 'it could be a manifest and an index')
}

/** The layers as manifest and configuration together describe them. */
export function layersOf(layers: readonly Descriptor[], { rootfs }: OCIImageConfig, what: string): readonly ImageLayer[] {
  const chainIds = chainIdsOf(rootfs.diff_ids)
  if (chainIds.length !== layers.length)
    throw corrupt(what, `its manifest has ${layers.length} layers, its configuration ${chainIds.length}`)
  return layers.flatMap(({ digest, mediaType, size }, index) => {
    const diffId = rootfs.diff_ids[index]
    const chainId = chainIds[index]
    return diffId === undefined || chainId === undefined ? [] : [{ digest, diffId, chainId, mediaType, sizeBytes: size }]
  })
}

function refuseType(what: string, why: string, mediaType: string): LibpodError {
  return new LibpodError(
    'unsupported',
    `${what} is not an image that can be run: ${why}.`,
    { what: mediaType },
    { hint: 'OCI images and those of Docker (version 2, schema 2) are known.' },
  )
}

function tooManyLayers(what: string, count: number): LibpodError<'unsupported'> {
  return new LibpodError(
    'unsupported',
    `${what} has ${count} layers; ${mostLayers} are the most that one mount can have.`,
    { what: `${count} layers` },
    { hint: 'Squash the image where it is made.' },
  )
}
