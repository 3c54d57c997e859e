import { abortable } from '../../base/abort.ts'
import type { Digest } from '../../base/digest.ts'
import { eachLimited } from '../../base/each-limited.ts'
import type { ImageLayer } from '../../storage/image-store.ts'
import type { ImagesServices } from '../services.ts'
import type { ImageSource } from '../transport.ts'
import { type LayerBytes, storedBytes, unpackLayer } from '../unpack.ts'
import { BlobDownload } from './blob-download.ts'
import type { PullProgressTracker } from './pull-progress.ts'

/** What the layers of an image are fetched with. */
export interface FetchLayersOptions {
  readonly services: ImagesServices
  readonly source: ImageSource
  readonly progress: PullProgressTracker
  readonly signal: AbortSignal | undefined
}

/** So many layers are on their way at once. */
const width = 3

/**
 * Fetches the layers and extracts them, and gives the bytes that they take. Several are fetched at once; they are extracted one after
 * the other, each while its bytes still come if those below it are done by then. The lease names all of it already. The first failure
 * ends everything.
 */
export async function fetchLayers(layers: readonly ImageLayer[], options: FetchLayersOptions): Promise<number> {
  const stop = new AbortController()
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal])
  const downloads = new Map<Digest, BlobDownload>()
  for (const { digest, sizeBytes } of layers) {
    const onGrowth = (size: number): void => options.progress.read(digest, size)
    if (!downloads.has(digest)) downloads.set(digest, new BlobDownload({ digest, size: sizeBytes }, { ...options, signal, onGrowth }))
  }
  const [fetched, extracted] = await Promise.allSettled([
    stopping(
      stop,
      eachLimited(downloads.values(), width, (download) => download.run()),
    ),
    stopping(stop, extractInOrder(layers, downloads, { ...options, signal })),
  ])
  options.signal?.throwIfAborted()
  // With the first failure the others were stopped, and have it as their reason.
  if (stop.signal.aborted) throw stop.signal.reason
  if (fetched.status === 'rejected') throw fetched.reason
  if (extracted.status === 'rejected') throw extracted.reason
  return extracted.value
}

/** The first failure stops all the rest at once. */
async function stopping<Result>(stop: AbortController, work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    stop.abort(error)
    throw error
  }
}

async function extractInOrder(
  layers: readonly ImageLayer[],
  downloads: ReadonlyMap<Digest, BlobDownload>,
  { services, progress, signal }: FetchLayersOptions,
): Promise<number> {
  let sizeBytes = 0
  let parent: string | undefined
  for (const layer of layers) {
    const download = downloads.get(layer.digest)
    // One that another's failure kept from beginning never opens.
    if (download) await abortable(download.opened, signal)
    sizeBytes += await unpackLayer(services, layer, parent, signal, () => bytesOf(services, layer, download, signal))
    progress.extracted(layer)
    parent = layer.chainId
  }
  return sizeBytes
}

/** The bytes that come, or the blob once it is there. */
async function bytesOf(
  services: ImagesServices,
  layer: ImageLayer,
  download: BlobDownload | undefined,
  signal: AbortSignal | undefined,
): Promise<LayerBytes> {
  const growing = download?.follow()
  if (download !== undefined && growing !== undefined) return { ...growing, whole: () => abortable(download.done, signal) }
  if (download) await abortable(download.done, signal)
  return storedBytes(services, layer)
}
