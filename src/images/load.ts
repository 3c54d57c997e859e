import type { Readable } from 'node:stream'
import type { AbortOptions } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { verbOptions } from '../base/schema.ts'
import { step } from '../base/steps.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { type ArchiveContents, readArchive } from './archive.ts'
import { corrupt } from './blobs.ts'
import { dockerOffers } from './docker-archive.ts'
import { emitImageEvent } from './events.ts'
import { checkLayoutVersion, type ImageOffer, type LayoutBlobs, offersOf, parseIndex } from './layout.ts'
import { directoryBlobs, readLayoutDirectory } from './layout-directory.ts'
import { checkPlatform, type Platform, parsePlatform } from './platform.ts'
import { guardProgress, type ImageProgress, type ProgressListener } from './progress.ts'
import { putImage, recordFrom } from './record.ts'
import type { ImageLease, ImagesServices } from './services.ts'
import { openSource, type Source } from './source.ts'
import { unpackLayers } from './unpack.ts'
import { untilClosed } from './until-closed.ts'
import { type VerifiedImage, verifyImage } from './verify.ts'

/** Options of {@link Images.load}. @public */
export interface LoadImageOptions extends AbortOptions {
  /** Which image to take where there are several for different platforms, as `linux/arm64`; that of this host if not given. */
  readonly platform?: string | undefined
  /** Told how far it is. */
  readonly onProgress?: ((progress: ImageProgress) => void) | undefined
}

const checkOptions = verbOptions<LoadImageOptions>((z) => ({
  platform: z.string().optional(),
  onProgress: z.custom((value) => typeof value === 'function', 'must be a function').optional(),
}))

interface Loading {
  readonly services: ImagesServices
  readonly lease: ImageLease
  readonly platform: Platform
  /** The caller asked for it: nothing else will do. */
  readonly wanted: Platform | undefined
  readonly progress: ProgressListener
  readonly signal: AbortSignal | undefined
}

/** Loads the one image of an archive. */
export async function loadOneImage(
  services: ImagesServices,
  source: string | Readable,
  options: LoadImageOptions = {},
): Promise<ImageRecord> {
  const [record] = await load(services, source, options, (offers, label) => {
    if (offers.length === 1) return
    const candidates = offers.map(({ names, manifest }) => names[0] ?? manifest.digest)
    throw new LibpodError(
      'ambiguous',
      `${label} holds ${offers.length} images.`,
      { kind: 'image', ref: label, candidates },
      { hint: 'Take them all with images.loadAll().' },
    )
  })
  if (record) return record
  throw new LibpodError('internal', 'Loading one image gave none.', { what: 'images.load' })
}

/** Loads all images of an archive. */
export function loadImages(services: ImagesServices, source: string | Readable, options: LoadImageOptions = {}): Promise<ImageRecord[]> {
  return load(services, source, options, () => {})
}

async function load(
  services: ImagesServices,
  source: string | Readable,
  options: LoadImageOptions,
  check: (offers: readonly ImageOffer[], label: string) => void,
): Promise<ImageRecord[]> {
  await checkOptions(options)
  services.closer.check()
  return untilClosed(services, 'a load', options.signal, (signal) => loadFrom(services, source, { ...options, signal }, check))
}

async function loadFrom(
  services: ImagesServices,
  source: string | Readable,
  options: LoadImageOptions,
  check: (offers: readonly ImageOffer[], label: string) => void,
): Promise<ImageRecord[]> {
  const { signal } = options
  const wanted = options.platform === undefined ? undefined : parsePlatform(options.platform)
  const platform = wanted ?? services.platform
  const progress = guardProgress(options.onProgress, services.logger)
  const input = await step(services.probe, 'load.open', () => openSource(source, signal))
  try {
    return await services.leases.with((lease) => loadUnder({ services, lease, platform, wanted, progress, signal }, input, check))
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    if (input.kind === 'bytes') input.close()
    services.garbage()
  }
}

/** Nothing is listed before everything is there: the images are verified and extracted first, all of them. */
async function loadUnder(
  loading: Loading,
  input: Source,
  check: (offers: readonly ImageOffer[], label: string) => void,
): Promise<ImageRecord[]> {
  const { services, lease, progress, signal } = loading
  const { probe, store } = services
  const { offers, blobs } = await step(probe, 'load.read', () =>
    input.kind === 'bytes' ? readBytes(loading, input) : readDirectory(loading, input.path),
  )
  check(offers, blobs.label)
  const images: { readonly image: VerifiedImage; readonly names: readonly string[] }[] = []
  for (const { manifest, names } of offers) {
    signal?.throwIfAborted()
    images.push({ image: await step(probe, 'load.verify', () => verifyImage(blobs, manifest)), names })
  }
  // Where there is only one, nothing was chosen.
  for (const { image } of images) checkPlatform(blobs.label, image.configuration, loading.wanted)
  const ready: { readonly record: ImageRecord; readonly names: readonly string[] }[] = []
  for (const { image, names } of images) {
    signal?.throwIfAborted()
    const sizeBytes = await step(probe, 'load.unpack', () => unpackLayers(services, lease, image.layers, { signal, progress }))
    const { manifest, config, configuration, layers } = image
    ready.push({ record: recordFrom({ manifest, configBlob: config, config: configuration, layers, sizeBytes }), names })
  }
  signal?.throwIfAborted()
  const records: ImageRecord[] = []
  for (const { record, names } of ready) {
    const written = await step(probe, 'load.record', () => putImage(store, record, names))
    await step(probe, 'load.event', () => emitImageEvent(services, 'loadfromarchive', written, names[0]))
    records.push(written)
  }
  const bytes = records.flatMap(({ layers }) => layers).reduce((total, { sizeBytes }) => total + sizeBytes, 0)
  progress({ phase: 'done', bytes, totalBytes: bytes })
  return records
}

interface Found {
  readonly offers: readonly ImageOffer[]
  readonly blobs: LayoutBlobs
}

async function readBytes(
  { services, lease, platform, progress, signal }: Loading,
  input: Source & { readonly kind: 'bytes' },
): Promise<Found> {
  const { content } = services.store
  const { label, totalBytes } = input
  const onBytes = (bytes: number): void => progress({ phase: 'read', bytes, ...(totalBytes === undefined ? {} : { totalBytes }) })
  const archive = await readArchive(content, lease, input, { signal, onBytes })
  const index = archive.documents.get('index.json')
  if (index === undefined) {
    const offers = await dockerOffers(content, lease, archive, { label, signal })
    return { offers, blobs: { label, content, require: async () => {} } }
  }
  checkLayoutVersion(archive.documents.get('oci-layout'), label)
  const blobs: LayoutBlobs = { label, content, require: async (blob) => requireArchived(archive, blob, label) }
  return { offers: await offersOf(blobs, await parseIndex(index, `${label}: index.json`), platform), blobs }
}

function requireArchived(
  { blobs }: ArchiveContents,
  { digest, size }: { readonly digest: string; readonly size: number },
  label: string,
): void {
  const actual = blobs.get(digest)
  if (actual === undefined) throw corrupt(label, `its blob ${digest} is missing`)
  if (actual !== size) throw corrupt(label, `its blob ${digest} has ${actual} bytes instead of ${size}`)
}

async function readDirectory({ services, lease, platform, progress, signal }: Loading, path: string): Promise<Found> {
  const documents = await readLayoutDirectory(path)
  const index = documents.get('index.json')
  if (index === undefined) throw corrupt(path, 'it has no index.json, so it is no image layout')
  checkLayoutVersion(documents.get('oci-layout'), path)
  const blobs = directoryBlobs(services.store.content, lease, path, { signal, onBytes: (bytes) => progress({ phase: 'read', bytes }) })
  return { offers: await offersOf(blobs, await parseIndex(index, `${path}: index.json`), platform), blobs }
}
