import type { Digest } from '../../base/digest.ts'
import { step } from '../../base/steps.ts'
import type { ImageRecord } from '../../storage/image-store.ts'
import { type BlobRef, checkBytes, corrupt, largestDocument, putDocument, readDocument } from '../blobs.ts'
import { checkPlatform, type Platform } from '../platform.ts'
import type { ProgressListener } from '../progress.ts'
import { putImage, recordFrom } from '../record.ts'
import { formatReference } from '../reference.ts'
import { withRetries } from '../retries.ts'
import type { ImageLease, ImagesServices } from '../services.ts'
import { activeName } from '../unpack.ts'
import { checkManifest, layersOf, parseConfig } from '../verify.ts'
import { fetchLayers } from './fetch-layers.ts'
import type { RemoteImage } from './open-remote.ts'
import { type PullImageProgress, PullProgressTracker } from './pull-progress.ts'
import { fetchDocument } from './remote-document.ts'
import { type ResolvedManifest, resolveManifest } from './resolve-manifest.ts'

/** A pull under way. */
export interface Pulling {
  readonly services: ImagesServices
  readonly remote: RemoteImage
  /** The platform that was asked for, if one was. */
  readonly wanted: Platform | undefined
  readonly progress: ProgressListener<PullImageProgress>
  readonly signal: AbortSignal | undefined
}

/** Fetches what is missing of an image. Its record comes last: before that, nothing is listed. */
export async function fetchImage(pulling: Pulling, lease: ImageLease): Promise<ImageRecord> {
  const { services, remote, progress, signal } = pulling
  const { probe, store } = services
  const { source } = remote
  const resolved = await step(probe, 'pull.platform', () => chooseManifest(pulling))
  const { manifest } = resolved
  const what = `${source.label}: image ${manifest.digest}`
  const { config: configBlob, layers: described } = await checkManifest(manifest, resolved.data, what)
  await lease.add({ digests: [manifest.digest, configBlob.digest, ...described.map(({ digest }) => digest)] })
  const configData = await step(probe, 'pull.config', () => fetchConfig(pulling, configBlob))
  const config = await parseConfig(configData, what)
  // Where one was chosen from an index, the index has the say; where nothing was asked, it is whoever runs it who will see.
  if (!resolved.chosen) checkPlatform(source.label, config, pulling.wanted)
  const layers = layersOf(described, config, what)
  await lease.add({ snapshots: layers.flatMap(({ chainId }) => [chainId, activeName(chainId)]) })
  const tracker = new PullProgressTracker(layers, progress)
  const sizeBytes = await step(probe, 'pull.layers', () => fetchLayers(layers, { services, source, progress: tracker, signal }))
  await step(probe, 'pull.documents', async () => {
    await putDocument(store.content, lease, configData, { signal }, configBlob.digest)
    await putDocument(store.content, lease, resolved.data, { signal }, manifest.digest)
  })
  signal?.throwIfAborted()
  const record = recordFrom({ manifest, configBlob, config, layers, sizeBytes })
  const { names, repoDigests } = namesFor(remote, resolved.digests)
  const written = await step(probe, 'pull.record', () => putImage(store, { ...record, repoDigests }, names))
  tracker.done()
  return written
}

function chooseManifest({ services, remote, wanted, signal }: Pulling): Promise<ResolvedManifest> {
  const { source, top } = remote
  return resolveManifest(source, top, wanted ?? services.platform, (digest) =>
    withRetries(() => fetchDocument(source, digest, digest, signal), { logger: services.logger, signal }),
  )
}

/** The configuration's bytes: those that are there, or those that come, if they are the right ones. */
async function fetchConfig({ services, remote: { source }, signal }: Pulling, blob: BlobRef): Promise<Buffer> {
  const { store, logger } = services
  const what = `The configuration of ${source.label}`
  if (blob.size > largestDocument) throw corrupt(what, `it claims ${blob.size} bytes; ${largestDocument} are the most that is read`)
  if ((await store.content.stat(blob.digest)) !== undefined) return readDocument(store.content, blob, what)
  const fetch = async (): Promise<Buffer> => {
    const { offset, bytes } = await source.blob(blob, { offset: 0, signal })
    const chunks: Buffer[] = []
    let size = offset
    for await (const chunk of bytes) {
      size += chunk.length
      if (size > blob.size) throw corrupt(what, `it has more than the ${blob.size} bytes that its manifest says`)
      chunks.push(chunk)
    }
    return checkBytes(Buffer.concat(chunks), blob, what)
  }
  return withRetries(fetch, { logger, signal })
}

/** The names that it gets: none if it was asked for by its digest. It is known by the digests of all that led to it. */
function namesFor({ reference }: RemoteImage, digests: readonly Digest[]): { readonly names: string[]; readonly repoDigests: string[] } {
  const { tag = 'latest', digest, ...repository } = reference
  return {
    names: digest === undefined ? [formatReference({ ...repository, tag })] : [],
    repoDigests: digests.map((one) => formatReference({ ...repository, digest: one })),
  }
}
