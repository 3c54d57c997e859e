import type { AbortOptions } from '../base/abort.ts'
import type { OCIHistory, OCIImageConfig } from '../specs/image-spec.ts'
import type { ImageLayer, ImageRecord } from '../storage/image-store.ts'
import { readConfig } from './documents.ts'
import type { ImageHistoryEntry } from './image-info.ts'
import { requireImage } from './record.ts'
import type { ImagesServices } from './services.ts'

/** The steps that made an image, the newest first. */
export async function imageHistory(services: ImagesServices, id: string, { signal }: AbortOptions = {}): Promise<ImageHistoryEntry[]> {
  const record = await requireImage(services, id)
  signal?.throwIfAborted()
  return historyOf(services, record, await readConfig(services, record), signal)
}

/** As {@link imageHistory}, for who has read the configuration already. */
export async function historyOf(
  services: ImagesServices,
  { layers }: ImageRecord,
  { history = [] }: OCIImageConfig,
  signal: AbortSignal | undefined,
): Promise<ImageHistoryEntry[]> {
  const sizes = await Promise.all(layers.map(({ chainId }) => extractedSize(services, chainId, signal)))
  return assignLayers(history, layers, sizes).reverse()
}

/** Each step that is not marked as empty made the next layer; layers that no step accounts for follow without a word, as Docker shows them. */
export function assignLayers(history: readonly OCIHistory[], layers: readonly ImageLayer[], sizes: readonly number[]): ImageHistoryEntry[] {
  let next = 0
  const entries = history.map((entry) =>
    entryOf(entry, entry.empty_layer ? undefined : layers[next], entry.empty_layer ? 0 : (sizes[next++] ?? 0)),
  )
  return [...entries, ...layers.slice(next).map((layer, index) => entryOf({}, layer, sizes[next + index] ?? 0))]
}

function entryOf(
  { created = '', created_by = '', comment = '' }: OCIHistory,
  layer: ImageLayer | undefined,
  sizeBytes: number,
): ImageHistoryEntry {
  return { createdAt: created, createdBy: created_by, comment, ...(layer === undefined ? {} : { layer }), sizeBytes }
}

async function extractedSize({ store }: ImagesServices, chainId: string, signal: AbortSignal | undefined): Promise<number> {
  if ((await store.snapshots.stat(chainId)) === undefined) return 0
  return (await store.snapshots.usage(chainId, { signal })).sizeBytes
}
