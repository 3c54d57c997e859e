import { AsyncQueue } from '../base/async-queue.ts'
import { crypto } from '../base/crypto.ts'
import type { Digest } from '../base/digest.ts'
import { newId } from '../base/ids.ts'
import { step } from '../base/steps.ts'
import type { Ingest } from '../storage/content-store.ts'
import type { ImageLayer } from '../storage/image-store.ts'
import { corrupt } from './blobs.ts'
import { detectCompression, layerMediaTypes, magicBytes } from './compression.ts'
import type { ProgressListener } from './progress.ts'
import type { ExtractedLayer, ImageLease, ImagesServices } from './services.ts'
import { type ByteSource, peek } from './source.ts'
import { dropSnapshot } from './unpack.ts'

/** How far the blob grows before the extraction is told: a message costs more than a megabyte takes to write. */
const announceBytes = 1 << 20

/**
 * Stores a tarball as a layer and extracts it at the same time: the growing blob is what the helper reads. Compressed bytes are
 * kept as they came. Plain ones are kept plain: compressing them would take several times as long as all the rest.
 */
export async function importLayer(
  services: ImagesServices,
  lease: ImageLease,
  source: ByteSource,
  { progress, signal }: { readonly progress: ProgressListener; readonly signal: AbortSignal | undefined },
): Promise<{ readonly layer: ImageLayer; readonly sizeBytes: number }> {
  const { store, probe, logger } = services
  const { head, bytes } = await peek(source.bytes, magicBytes)
  if (head.length === 0) throw corrupt(source.label, 'it is empty')
  const compression = detectCompression(head, source.label)
  const mediaType = layerMediaTypes[compression]
  const active = `import-${newId()}`
  await lease.add({ snapshots: [active] })
  const ingest = await step(probe, 'import.ingest', () => store.content.ingest({ reference: active, signal }))
  try {
    await step(probe, 'import.prepare', () => store.snapshots.prepare(active, { signal }))
    const target = await store.snapshots.extractTarget(active)
    const growth = new AsyncQueue<number>()
    const { fed, extracted } = await step(probe, 'import.extract', () =>
      both({
        // Extraction first: it has a process to reach before the first bytes are there.
        extraction: services.extractLayer({ path: ingest.path, mediaType, target, growing: growth }, { signal }),
        feed: feedBlob(ingest, growth, bytes, compression === 'none', (count) =>
          progress({ phase: 'read', bytes: count, ...(source.totalBytes === undefined ? {} : { totalBytes: source.totalBytes }) }),
        ),
        stop: () => {
          source.close()
          growth.end()
        },
      }),
    )
    for (const warning of extracted.warnings) logger.warn(`${source.label}: ${warning}`)
    const { diffId, sizeBytes } = extracted
    const digest = fed.digest ?? diffId
    // Named in the lease before it appears: from here on, no collector may take it for garbage.
    await lease.add({ digests: [digest], snapshots: [diffId] })
    const blob = await step(probe, 'import.blob', () => ingest.commit())
    if (blob.digest !== digest) throw corrupt(source.label, `it was stored as ${blob.digest} but read as ${digest}`)
    progress({ phase: 'extract', bytes: fed.size, totalBytes: fed.size })
    await step(probe, 'import.commit', () => store.snapshots.commit(diffId, active, { signal }))
    return { layer: { digest, diffId, chainId: diffId, mediaType, sizeBytes: fed.size }, sizeBytes }
  } catch (error) {
    await ingest.truncate().catch(() => {})
    await dropSnapshot(store.snapshots, active)
    throw error
  } finally {
    await ingest.close()
  }
}

interface Fed {
  readonly size: number
  /** Not taken of plain bytes: the extraction computes the same one. */
  readonly digest: Digest | undefined
}

async function feedBlob(
  ingest: Ingest,
  growth: AsyncQueue<number>,
  bytes: AsyncIterable<Buffer>,
  plain: boolean,
  report: (size: number) => void,
): Promise<Fed> {
  const hash = plain ? undefined : crypto().createHash('sha256')
  let size = 0
  let announced = 0
  for await (const chunk of bytes) {
    hash?.update(chunk)
    await ingest.write(chunk)
    size += chunk.length
    if (size - announced < announceBytes) continue
    announced = size
    growth.push(size)
    report(size)
  }
  growth.push(size)
  growth.end()
  report(size)
  return { size, digest: hash && `sha256:${hash.digest('hex')}` }
}

/** Waits for feeding and extracting; when one fails, the other is stopped and waited for, and the failure of the first is thrown. */
async function both({
  feed,
  extraction,
  stop,
}: {
  readonly feed: Promise<Fed>
  readonly extraction: Promise<ExtractedLayer>
  readonly stop: () => void
}): Promise<{ readonly fed: Fed; readonly extracted: ExtractedLayer }> {
  try {
    const [fed, extracted] = await Promise.all([feed, extraction])
    return { fed, extracted }
  } catch (error) {
    stop()
    await Promise.allSettled([feed, extraction])
    throw error
  }
}
