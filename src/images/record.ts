import { splitDigest } from '../base/digest.ts'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { sleep } from '../base/time.ts'
import type { Descriptor, OCIImageConfig } from '../specs/image-spec.ts'
import type { ImageLayer, ImageRecord, ImageRunConfig, ImageStore } from '../storage/image-store.ts'
import type { ImageSummary } from './image-info.ts'
import { withNames } from './names.ts'
import type { ImagesServices } from './services.ts'

/** How often a change is tried again when somebody else was quicker. */
const attempts = 30

/** The record of an image by its id. Rejects with `not-found`. */
export async function requireImage({ store, closer }: ImagesServices, id: string): Promise<ImageRecord> {
  closer.check()
  return (await store.get({ id })) ?? refuseMissing(id)
}

/** Changes a record, or makes it, whatever others do meanwhile. `undefined` from `change` means that there is nothing to do. */
export async function changeImage(
  store: ImageStore,
  id: string,
  change: (current: ImageRecord | undefined) => ImageRecord | undefined,
): Promise<ImageRecord | undefined> {
  return retryConflicts(async () => {
    const current = await store.get({ id })
    const next = change(current)
    return next && store.put(next, { expect: current === undefined ? 'absent' : (current.version ?? 'absent') })
  })
}

/** Does it again while it rejects with `conflict`, a little later each time. */
export async function retryConflicts<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!isLibpodError(error, 'conflict') || attempt === attempts) throw error
      await sleep(Math.random() * Math.min(attempt * 2, 20))
    }
  }
}

/** Refuses an image that is not there. */
export function refuseMissing(id: string): never {
  throw new LibpodError('not-found', `There is no image ${id.slice(0, 12)} (any more).`, { kind: 'image', ref: id })
}

/** The part of a record that lists show. */
export function summaryOf(record: ImageRecord): ImageSummary {
  const { id, names, manifest, repoDigests, createdAt, sizeBytes, platform, labels } = record
  return { id, names, digest: manifest.digest, repoDigests, createdAt, sizeBytes, platform, labels }
}

/** How people call an image: by its first name, or by its short id. */
export function displayName({ id, names }: Pick<ImageRecord, 'id' | 'names'>): string {
  return names[0] ?? id.slice(0, 12)
}

/** What the store keeps of a configuration. */
export function runConfigOf({ config = {} }: OCIImageConfig): ImageRunConfig {
  return {
    ...(config.User ? { user: config.User } : {}),
    ...(config.Env ? { env: config.Env } : {}),
    ...(config.Entrypoint ? { entrypoint: config.Entrypoint } : {}),
    ...(config.Cmd ? { command: config.Cmd } : {}),
    ...(config.WorkingDir ? { workdir: config.WorkingDir } : {}),
    ...(config.StopSignal ? { stopSignal: config.StopSignal } : {}),
    ...(config.Volumes ? { volumes: Object.keys(config.Volumes) } : {}),
    ...(config.ExposedPorts ? { exposedPorts: Object.keys(config.ExposedPorts) } : {}),
  }
}

/** A new record, still without names. */
export function recordFrom(parts: {
  readonly manifest: Descriptor
  readonly configBlob: Descriptor
  readonly config: OCIImageConfig
  readonly layers: readonly ImageLayer[]
  readonly sizeBytes: number
}): ImageRecord {
  const { manifest, configBlob, config, layers, sizeBytes } = parts
  const top = layers.at(-1)
  return {
    id: splitDigest(configBlob.digest).hex,
    names: [],
    manifest: { digest: manifest.digest, mediaType: manifest.mediaType, sizeBytes: manifest.size },
    config: { digest: configBlob.digest, mediaType: configBlob.mediaType, sizeBytes: configBlob.size },
    layers,
    ...(top === undefined ? {} : { topChainId: top.chainId }),
    repoDigests: [],
    createdAt: config.created ?? new Date(0).toISOString(),
    sizeBytes,
    runConfig: runConfigOf(config),
    platform: {
      os: config.os,
      architecture: config.architecture,
      ...(config.variant === undefined || config.variant === '' ? {} : { variant: config.variant }),
    },
    labels: config.config?.Labels ?? {},
  }
}

/** Writes a record that just came in, under these names and those the image has already. */
export async function putImage(store: ImageStore, record: ImageRecord, names: readonly string[]): Promise<ImageRecord> {
  const written = await changeImage(store, record.id, (current) =>
    withNames(current === undefined ? record : { ...record, names: current.names, repoDigests: joined(current, record) }, names),
  )
  return written ?? record
}

/** What it was known by, and what it came by now. */
function joined(...records: readonly Pick<ImageRecord, 'repoDigests'>[]): readonly string[] {
  return [...new Set(records.flatMap(({ repoDigests }) => repoDigests))]
}
