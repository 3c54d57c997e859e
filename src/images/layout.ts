import { isLibpodError, LibpodError } from '../base/errors.ts'
import { dockerMediaTypes } from '../specs/docker-image.ts'
import { type Descriptor, indexSchema, type OCIIndex, ociAnnotations, ociLayoutVersion, ociMediaTypes } from '../specs/image-spec.ts'
import type { ContentStore } from '../storage/content-store.ts'
import { type BlobRef, corrupt, parseDocument, readDocument } from './blobs.ts'
import { choosePlatform, formatPlatform, type Platform } from './platform.ts'
import { formatReference, normalizeName, parseReference } from './reference.ts'

/** An image that an archive offers. */
export interface ImageOffer {
  readonly manifest: Descriptor
  readonly names: readonly string[]
}

/** Where the blobs of an image layout come from. */
export interface LayoutBlobs {
  readonly label: string
  readonly content: ContentStore
  /** Makes sure that a blob of the layout is in the content store. Rejects with `corrupt` if the layout does not have it, or has another. */
  require(blob: BlobRef): Promise<void>
}

/** The media types of indexes and of manifests. */
export const indexTypes: ReadonlySet<string> = new Set([ociMediaTypes.index, dockerMediaTypes.list])
export const manifestTypes: ReadonlySet<string> = new Set([ociMediaTypes.manifest, dockerMediaTypes.manifest])
/** Nobody nests indexes deeper; a loop cannot be made with digests, but a long chain can. */
export const deepestIndex = 4

/** Checks the `oci-layout` file. */
export function checkLayoutVersion(data: Buffer | undefined, label: string): void {
  if (data === undefined) return
  let version: unknown
  try {
    version = (JSON.parse(data.toString()) as { imageLayoutVersion?: unknown }).imageLayoutVersion
  } catch (error) {
    throw corrupt(label, 'its oci-layout is not JSON', error)
  }
  if (typeof version !== 'string') throw corrupt(label, 'its oci-layout names no version')
  if (version.split('.')[0] === ociLayoutVersion.split('.')[0]) return
  throw new LibpodError(
    'unsupported',
    `${label} is an image layout of version ${version}.`,
    { what: `image layout ${version}` },
    { hint: `Versions ${ociLayoutVersion} and its successors with the same first number are known.` },
  )
}

/** The images of a layout, in its order: one for each name, and of those for several platforms the fitting one. */
export async function offersOf(blobs: LayoutBlobs, index: OCIIndex, platform: Platform): Promise<readonly ImageOffer[]> {
  const offers = new Map<string, ImageOffer>()
  for (const group of groupByImage(index.manifests)) {
    const manifest = await resolveGroup(blobs, group, platform)
    if (manifest === undefined) continue
    const names = group.flatMap((descriptor) => namesOf(descriptor, blobs.label))
    offers.set(manifest.digest, { manifest, names: [...new Set([...(offers.get(manifest.digest)?.names ?? []), ...names])] })
  }
  if (offers.size > 0) return [...offers.values()]
  throw corrupt(blobs.label, 'there is no image in it')
}

/** Descriptors of one name that differ in their platform are one image; so are nameless ones that have a platform. */
function groupByImage(descriptors: readonly Descriptor[]): readonly (readonly Descriptor[])[] {
  const groups = new Map<string, Descriptor[]>()
  for (const descriptor of descriptors) {
    const key = descriptor.platform === undefined ? descriptor.digest : (annotatedName(descriptor) ?? '')
    const group = groups.get(key)
    if (group) group.push(descriptor)
    else groups.set(key, [descriptor])
  }
  return [...groups.values()]
}

async function resolveGroup(blobs: LayoutBlobs, group: readonly Descriptor[], platform: Platform): Promise<Descriptor | undefined> {
  // Under several names one image is there several times.
  const different = [...new Map(group.map((descriptor) => [descriptor.digest, descriptor])).values()]
  const [only, second] = different
  if (only !== undefined && second === undefined) return resolveDescriptor(blobs, only, platform, 0)
  const images = different.filter(({ mediaType }) => manifestTypes.has(mediaType) || indexTypes.has(mediaType))
  if (images.length === 0) return undefined
  return resolveDescriptor(blobs, chooseOrRefuse(blobs.label, images, platform), platform, 0)
}

/** Follows indexes down to a manifest. `undefined` for what is neither. */
async function resolveDescriptor(
  blobs: LayoutBlobs,
  descriptor: Descriptor,
  platform: Platform,
  depth: number,
): Promise<Descriptor | undefined> {
  if (manifestTypes.has(descriptor.mediaType)) return descriptor
  if (!indexTypes.has(descriptor.mediaType)) return undefined
  if (depth === deepestIndex) throw corrupt(blobs.label, 'its indexes are nested too deeply')
  await blobs.require(descriptor)
  const what = `${blobs.label}: index ${descriptor.digest}`
  const { manifests } = await parseIndex(await readDocument(blobs.content, descriptor, what), what)
  const [only, second] = manifests
  if (only !== undefined && second === undefined && only.platform === undefined) return resolveDescriptor(blobs, only, platform, depth + 1)
  return resolveDescriptor(blobs, chooseOrRefuse(blobs.label, manifests, platform), platform, depth + 1)
}

/** Reads an index. One that could also be read as a manifest is refused: engines would disagree about what it is. */
export async function parseIndex(data: Buffer, what: string): Promise<OCIIndex> {
  const index = await parseDocument(data, indexSchema, what)
  const { layers, config } = JSON.parse(data.toString()) as { layers?: unknown; config?: unknown }
  if (layers !== undefined || config !== undefined) throw corrupt(what, 'it could be an index and a manifest')
  return index
}

/** Nobody reads further. */
const mostTold = 20

/** The manifest of an index that fits a platform best. Throws `unsupported`, naming those that are there. */
export function chooseOrRefuse(label: string, manifests: readonly Descriptor[], platform: Platform): Descriptor {
  const chosen = choosePlatform(manifests, platform)
  if (chosen) return chosen
  const named = manifests.flatMap((descriptor) => (descriptor.platform ? [formatPlatform(descriptor.platform)] : []))
  const there = [...new Set(named)].filter((text) => text !== 'unknown/unknown')
  const told = there.length > mostTold ? [...there.slice(0, mostTold), `${there.length - mostTold} more`] : there
  throw new LibpodError(
    'unsupported',
    `${label} has no image for ${formatPlatform(platform)}.`,
    { what: formatPlatform(platform) },
    { hint: `It has one for ${told.join(', ') || 'no platform that it names'}; choose with { platform }.` },
  )
}

function annotatedName({ annotations = {} }: Descriptor): string | undefined {
  return annotations[ociAnnotations.containerdName] ?? annotations[ociAnnotations.refName]
}

/** The full name that a descriptor's annotation gives, as Podman reads it. */
function namesOf(descriptor: Descriptor, label: string): readonly string[] {
  const name = annotatedName(descriptor)
  return name === undefined || name === '' ? [] : nameFromArchive(name, label, 'localhost')
}

/** A name out of an archive. What stands there with a digest and no tag is no name. */
export function nameFromArchive(name: string, label: string, registry: string): readonly string[] {
  try {
    const { digest, ...reference } = parseReference(name)
    if (digest !== undefined && reference.tag === undefined) return []
    return [normalizeName(formatReference(reference), 'name', registry)]
  } catch (error) {
    if (!isLibpodError(error, 'invalid-argument')) throw error
    throw corrupt(label, `the name ${JSON.stringify(name)} in it is not one an image can have`, error)
  }
}
