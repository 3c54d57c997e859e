import type { AbortOptions } from '../base/abort.ts'
import { isDigest } from '../base/digest.ts'
import { isLibpodError } from '../base/errors.ts'
import type { Registry } from '../state/registry.ts'
import type { ContentStore, UnfinishedIngest } from './content-store.ts'
import { imageKind, keptBy } from './images/image-kind.ts'
import { blobWord, snapshotWord } from './lease-keys.ts'
import type { Leases } from './leases.ts'
import type { SnapshotInfo, Snapshotter } from './snapshotter.ts'

/** What a collection removed. */
export interface GarbageReport {
  readonly blobs: number
  readonly snapshots: number
  readonly ingests: number
  /** What all of it took on the disk. */
  readonly reclaimedBytes: number
}

/** What is collected from, and who keeps what. */
export interface CollectorParts {
  readonly content: ContentStore
  readonly snapshots: Snapshotter
  readonly registry: Registry
  readonly leases: Leases
}

/** Options of {@link collectGarbage}. */
export interface CollectGarbageOptions extends AbortOptions {
  /** Only what was being made by engines that died: for the next one to begin with. */
  readonly halfMadeOnly?: boolean
  /** Find out how much the removed layers took, which takes a walk through each. */
  readonly measure?: boolean
}

/** Something that nothing seems to need. */
interface Candidate {
  readonly word: string
  readonly kind: 'blob' | 'snapshot'
  measure(): Promise<number>
  /** `false` if it stays after all. */
  remove(): Promise<boolean>
}

/** So many are condemned at once: whoever wants one of them again waits until all are gone. */
const batchSize = 16
/** How long the beginning of a blob waits for somebody to go on with it. */
const resumableMs = 24 * 60 * 60 * 1000
/** Layers on their way in. The other active snapshots belong to containers. */
const halfMade = /^(import|extract)-/

/**
 * Removes blobs, layers and ingests that no image and no lease names. Others may add and remove images meanwhile: what
 * is to go is condemned first, so that no new lease can name it, then the images are asked once more, and only
 * then it is removed. What somebody else works on stays for the next time.
 */
export async function collectGarbage(parts: CollectorParts, options: CollectGarbageOptions = {}): Promise<GarbageReport> {
  const { halfMadeOnly = false, measure = true, signal } = options
  // What is half made no image refers to, so that a damaged one keeps nobody from clearing that away.
  const kept = halfMadeOnly ? nothing : () => keptByImages(parts.registry)
  const needed = new Set([...(await parts.leases.held()), ...(await kept())])
  const report = { blobs: 0, snapshots: 0, ingests: 0, reclaimedBytes: 0 }
  const candidates = await snapshotCandidates(parts.snapshots, halfMadeOnly, { signal })
  if (!halfMadeOnly) candidates.push(...(await blobCandidates(parts.content)))
  const garbage = candidates.filter(({ word }) => !needed.has(word))
  for (let at = 0; at < garbage.length; at += batchSize) {
    signal?.throwIfAborted()
    const batch = garbage.slice(at, at + batchSize)
    // Before they are condemned: it may take long.
    const sizes = await Promise.all(batch.map((candidate) => (measure ? candidate.measure() : 0)))
    for (const [index, removed] of (await removeCondemned(parts.leases, batch, kept)).entries()) {
      if (!removed) continue
      report[batch[index]?.kind === 'blob' ? 'blobs' : 'snapshots']++
      report.reclaimedBytes += sizes[index] ?? 0
    }
  }
  for await (const ingest of parts.content.ingests()) {
    signal?.throwIfAborted()
    if (isResumable(ingest, needed) || !(await ingest.forget())) continue
    report.ingests++
    report.reclaimedBytes += ingest.sizeBytes
  }
  return report
}

/** Tells for each of a batch whether it was removed. */
function removeCondemned(leases: Leases, batch: readonly Candidate[], whatIsKept: () => Promise<ReadonlySet<string>>): Promise<boolean[]> {
  return leases.condemn(
    batch.map(({ word }) => word),
    async (condemned) => {
      // A lease that ended a moment ago ended after its image was written: this look sees that image.
      const kept = condemned.size > 0 ? await whatIsKept() : condemned
      const removed: boolean[] = []
      for (const { word, remove } of batch) removed.push(condemned.has(word) && !kept.has(word) && (await remove()))
      return removed
    },
  )
}

async function nothing(): Promise<ReadonlySet<string>> {
  return new Set()
}

async function keptByImages(registry: Registry): Promise<ReadonlySet<string>> {
  const kept = new Set<string>()
  for await (const page of registry.iterate(imageKind.kind)) {
    for (const { blobs, snapshots } of page.map(keptBy)) {
      for (const digest of blobs) kept.add(blobWord(digest))
      for (const name of snapshots) kept.add(snapshotWord(name))
    }
  }
  return kept
}

async function blobCandidates(content: ContentStore): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  for await (const { digest, sizeBytes } of content.list()) {
    candidates.push({
      word: blobWord(digest),
      kind: 'blob',
      measure: async () => sizeBytes,
      async remove() {
        await content.delete(digest)
        return true
      },
    })
  }
  return candidates
}

/** Those on top first: what has others on top of it cannot be removed. */
async function snapshotCandidates(snapshots: Snapshotter, halfMadeOnly: boolean, options: AbortOptions): Promise<Candidate[]> {
  const all = new Map<string, SnapshotInfo>()
  for await (const info of snapshots.list()) all.set(`${info.state}/${info.name}`, info)
  const depthOf = (info: SnapshotInfo): number => {
    let depth = info.state === 'active' ? all.size : 0
    for (let { parent } = info; parent !== undefined && depth <= 2 * all.size; depth++) parent = all.get(`committed/${parent}`)?.parent
    return depth
  }
  return [...all.values()]
    .filter(({ state, name }) => (state === 'active' ? halfMade.test(name) : !halfMadeOnly))
    .map((info) => ({ info, depth: depthOf(info) }))
    .sort((a, b) => b.depth - a.depth)
    .map(({ info: { name } }) => ({
      word: snapshotWord(name),
      kind: 'snapshot',
      measure: () => sizeOf(snapshots, name, options),
      remove: () => removeUnused(snapshots, name),
    }))
}

async function sizeOf(snapshots: Snapshotter, name: string, { signal }: AbortOptions): Promise<number> {
  try {
    return (await snapshots.usage(name, { signal })).sizeBytes
  } catch {
    signal?.throwIfAborted()
    // It went meanwhile, or is damaged: then nobody can tell, and it is removed all the same.
    return 0
  }
}

async function removeUnused(snapshots: Snapshotter, name: string): Promise<boolean> {
  try {
    await snapshots.remove(name)
    return true
  } catch (error) {
    // Somebody begins to build on it at this moment.
    if (isLibpodError(error, 'in-use')) return false
    throw error
  }
}

/** Only what is named by its digest can ever be gone on with. An ingest that is being written does not let itself be forgotten. */
function isResumable({ reference, sizeBytes, updatedAt }: UnfinishedIngest, needed: ReadonlySet<string>): boolean {
  if (!isDigest(reference) || sizeBytes === 0) return false
  return needed.has(blobWord(reference)) || Date.now() - updatedAt.getTime() < resumableMs
}
