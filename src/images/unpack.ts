import type { AbortOptions } from '../base/abort.ts'
import { type Digest, splitDigest } from '../base/digest.ts'
import { isLibpodError } from '../base/errors.ts'
import { step } from '../base/steps.ts'
import type { ImageLayer, ImageRecord } from '../storage/image-store.ts'
import { corrupt } from './blobs.ts'
import type { ProgressListener } from './progress.ts'
import type { ImageLease, ImagesServices } from './services.ts'

/** Options of {@link unpackImage}. */
export interface UnpackImageOptions extends AbortOptions {
  readonly progress?: ProgressListener | undefined
}

/** Makes sure that every layer of an image is there as a committed snapshot, so that a container can start on the topmost. */
export async function unpackImage(services: ImagesServices, record: ImageRecord, options: UnpackImageOptions = {}): Promise<void> {
  const top = record.layers.at(-1)
  // The image's own record keeps its layers from the collector: one look at the topmost is enough.
  if (top === undefined || (await isCommitted(services, top.chainId))) return
  await services.leases.with((lease) => unpackLayers(services, lease, record.layers, options))
}

/**
 * Extracts the layers that are not there yet, the lowest first, and gives the bytes that all of them take. Each is extracted by
 * one process alone, the others wait for it; an interrupted one is begun anew, those below it stay.
 */
export async function unpackLayers(
  services: ImagesServices,
  lease: ImageLease,
  layers: readonly ImageLayer[],
  { signal, progress }: UnpackImageOptions = {},
): Promise<number> {
  await lease.add({
    digests: layers.map(({ digest }) => digest),
    snapshots: layers.flatMap(({ chainId }) => [chainId, activeName(chainId)]),
  })
  const totalBytes = layers.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
  let bytes = 0
  let sizeBytes = 0
  let parent: string | undefined
  for (const layer of layers) {
    signal?.throwIfAborted()
    progress?.({ phase: 'extract', bytes, totalBytes })
    sizeBytes += await unpackLayer(services, layer, parent, signal)
    bytes += layer.sizeBytes
    parent = layer.chainId
  }
  if (layers.length > 0) progress?.({ phase: 'extract', bytes, totalBytes })
  return sizeBytes
}

/** Where the bytes of a layer are read from. */
export interface LayerBytes {
  readonly path: string
  /** Given while they still come. */
  readonly growing?: AsyncIterable<number>
  /** Called when they are not read any more. */
  release?(): void
  /** Waits until the blob is there whole, and proven to be what it should be. */
  whole?(): Promise<void>
}

/** Extracts a layer unless it is there, and gives the bytes that it takes. `bytes` is asked once nobody else extracts it. */
export async function unpackLayer(
  services: ImagesServices,
  layer: ImageLayer,
  parent: string | undefined,
  signal: AbortSignal | undefined,
  bytes: () => Promise<LayerBytes> = () => storedBytes(services, layer),
): Promise<number> {
  const { snapshots } = services.store
  const usage = async (): Promise<number> => (await snapshots.usage(layer.chainId, { signal })).sizeBytes
  if (await isCommitted(services, layer.chainId)) return usage()
  const release = await services.locks.acquire(`blob/${layer.chainId}`, { signal })
  try {
    if (await isCommitted(services, layer.chainId)) return await usage()
    return await extractAlone(services, layer, parent, { signal, bytes: await bytes() })
  } finally {
    await release({ remove: true })
  }
}

/** The blob of a layer. */
export async function storedBytes({ store }: ImagesServices, layer: ImageLayer): Promise<LayerBytes> {
  return store.content.open(layer.digest).catch((error: unknown): never => {
    throw isLibpodError(error, 'not-found') ? corrupt(`Layer ${layer.digest}`, 'its blob is missing', error) : error
  })
}

/** Extracts one layer; the caller holds its lock. */
async function extractAlone(
  { store, probe, logger, extractLayer }: ImagesServices,
  layer: ImageLayer,
  parent: string | undefined,
  { signal, bytes }: { readonly signal: AbortSignal | undefined; readonly bytes: LayerBytes },
): Promise<number> {
  const { snapshots } = store
  const active = activeName(layer.chainId)
  const { path, growing } = bytes
  try {
    // Under the lock, an active snapshot of this name is what a killed process left.
    await snapshots.remove(active)
    await step(probe, 'unpack.prepare', () => snapshots.prepare(active, { ...(parent === undefined ? {} : { parent }), signal }))
    const target = await snapshots.extractTarget(active)
    const { diffId, sizeBytes, warnings } = await step(probe, 'unpack.extract', () =>
      extractLayer(
        { path, mediaType: layer.mediaType, target, diffId: layer.diffId, ...(growing === undefined ? {} : { growing }) },
        { signal },
      ),
    )
    checkDiffId(layer, diffId)
    bytes.release?.()
    await bytes.whole?.()
    for (const warning of warnings) logger.warn(`Layer ${layer.digest}: ${warning}`)
    await step(probe, 'unpack.commit', () => snapshots.commit(layer.chainId, active, { signal }))
    return sizeBytes
  } catch (error) {
    await dropSnapshot(store.snapshots, active)
    throw error
  } finally {
    bytes.release?.()
  }
}

/** The uncompressed bytes must be those that the configuration, and with it the image's id, was made for. */
function checkDiffId(layer: ImageLayer, actual: Digest): void {
  if (actual !== layer.diffId)
    throw corrupt(`Layer ${layer.digest}`, `its uncompressed bytes have the digest ${actual} instead of ${layer.diffId}`)
}

async function isCommitted({ store }: ImagesServices, chainId: string): Promise<boolean> {
  return (await store.snapshots.stat(chainId))?.state === 'committed'
}

/** Removes a half-made snapshot after a failure. What cannot be removed now is the collector's. */
export async function dropSnapshot(snapshots: ImagesServices['store']['snapshots'], name: string): Promise<void> {
  await snapshots.remove(name).catch(() => {})
}

/** The same in every process, so that one can clear away what another left. */
export function activeName(chainId: string): string {
  return `extract-${splitDigest(chainId as Digest).hex}`
}
