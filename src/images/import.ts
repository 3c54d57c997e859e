import type { Readable } from 'node:stream'
import type { AbortOptions } from '../base/abort.ts'
import { verbOptions } from '../base/schema.ts'
import { step } from '../base/steps.ts'
import { type OCIImageConfig, type OCIImageRunConfig, type OCIManifest, ociMediaTypes } from '../specs/image-spec.ts'
import type { ImageLayer, ImageRecord } from '../storage/image-store.ts'
import { putDocument } from './blobs.ts'
import { applyChanges } from './config-changes.ts'
import { emitImageEvent } from './events.ts'
import { importLayer } from './import-layer.ts'
import { type Platform, parsePlatform } from './platform.ts'
import { guardProgress, type ImageProgress } from './progress.ts'
import { putImage, recordFrom } from './record.ts'
import { normalizeName } from './reference.ts'
import type { ImageLease, ImagesServices } from './services.ts'
import { openByteSource } from './source.ts'
import { untilClosed } from './until-closed.ts'

/** Options of {@link Images.import}. @public */
export interface ImportImageOptions extends AbortOptions {
  /** The name the image gets; without a registry it goes to `localhost/`, without a tag it gets `latest`. None: the image is dangling. */
  readonly tag?: string | undefined
  /**
   * Containerfile instructions for how it is run: `CMD ENTRYPOINT ENV EXPOSE LABEL ONBUILD STOPSIGNAL USER VOLUME WORKDIR`. Variables are
   * not expanded.
   */
  readonly changes?: readonly string[] | undefined
  /** The comment in the image's history. */
  readonly message?: string | undefined
  /** What its programs run on, as `linux/arm64`; this host if not given. */
  readonly platform?: string | undefined
  /** Told how far it is. */
  readonly onProgress?: ((progress: ImageProgress) => void) | undefined
}

const checkOptions = verbOptions<ImportImageOptions>((z) => ({
  tag: z.string().optional(),
  changes: z.array(z.string()).optional(),
  message: z.string().optional(),
  platform: z.string().optional(),
  onProgress: z.custom((value) => typeof value === 'function', 'must be a function').optional(),
}))

interface ImportPlan {
  readonly names: readonly string[]
  readonly config: OCIImageRunConfig
  readonly message: string
  readonly platform: Platform
}

/** Makes an image of one layer from a tarball. */
export async function importImage(
  services: ImagesServices,
  source: string | Readable,
  options: ImportImageOptions = {},
): Promise<ImageRecord> {
  await checkOptions(options)
  services.closer.check()
  return untilClosed(services, 'an import', options.signal, (signal) => importFrom(services, source, { ...options, signal }))
}

async function importFrom(services: ImagesServices, source: string | Readable, options: ImportImageOptions): Promise<ImageRecord> {
  const { signal } = options
  const plan = planImport(services, source, options)
  const progress = guardProgress(options.onProgress, services.logger)
  const input = await step(services.probe, 'import.open', () => openByteSource(source, signal))
  try {
    const record = await services.leases.with(async (lease) => {
      const { layer, sizeBytes } = await importLayer(services, lease, input, { progress, signal })
      return describeImport(services, lease, plan, layer, sizeBytes, signal)
    })
    progress({ phase: 'done', bytes: sizeOf(record), totalBytes: sizeOf(record) })
    await step(services.probe, 'import.event', () => emitImageEvent(services, 'import', record))
    return record
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    input.close()
  }
}

function planImport({ platform }: ImagesServices, source: string | Readable, options: ImportImageOptions): ImportPlan {
  return {
    names: options.tag === undefined ? [] : [normalizeName(options.tag)],
    config: applyChanges({}, options.changes ?? []),
    message: options.message ?? `Imported from ${typeof source === 'string' ? source : '-'}`,
    platform: options.platform === undefined ? platform : parsePlatform(options.platform),
  }
}

/** Writes configuration and manifest, and then the record, with which the image is there. */
async function describeImport(
  { store, probe }: ImagesServices,
  lease: ImageLease,
  plan: ImportPlan,
  layer: ImageLayer,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): Promise<ImageRecord> {
  const created = new Date().toISOString()
  const config: OCIImageConfig = {
    created,
    ...plan.platform,
    config: plan.config,
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created, comment: plan.message }],
  }
  const configBlob = await step(probe, 'import.config', () => putDocument(store.content, lease, toJson(config), { signal }))
  const manifest: OCIManifest = {
    schemaVersion: 2,
    mediaType: ociMediaTypes.manifest,
    config: { mediaType: ociMediaTypes.config, ...configBlob },
    layers: [{ mediaType: layer.mediaType, digest: layer.digest, size: layer.sizeBytes }],
  }
  const manifestBlob = await step(probe, 'import.manifest', () => putDocument(store.content, lease, toJson(manifest), { signal }))
  signal?.throwIfAborted()
  const record = recordFrom({
    manifest: { mediaType: ociMediaTypes.manifest, ...manifestBlob },
    configBlob: { mediaType: ociMediaTypes.config, ...configBlob },
    config,
    layers: [layer],
    sizeBytes,
  })
  return step(probe, 'import.record', () => putImage(store, record, plan.names))
}

function toJson(document: OCIImageConfig | OCIManifest): Buffer {
  return Buffer.from(JSON.stringify(document))
}

function sizeOf({ layers }: ImageRecord): number {
  return layers.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
}
