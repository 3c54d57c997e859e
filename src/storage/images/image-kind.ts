import type { Digest } from '../../base/digest.ts'
import { LibpodError } from '../../base/errors.ts'
import type { KindDefinition, RegistryDraft, RegistryObject, RegistrySummary } from '../../state/registry-types.ts'
import type { Json } from '../../state/state-store.ts'
import type { ImageRecord } from '../image-store.ts'

/** How images are kept in the registry. */
export const imageKind: KindDefinition = { kind: 'image', nameScope: 'image', format: 1 }

/** What an image keeps from the collector. */
export interface KeptByImage {
  readonly blobs: readonly Digest[]
  readonly snapshots: readonly string[]
}

/** The names stand in the registry itself, and the version is not stored at all. */
type StoredImage = Omit<ImageRecord, 'names' | 'version'>

/** What the registry is given of a record. Its summary is what the collector reads. */
export function draftOf({ version: _, names, ...stored }: ImageRecord): RegistryDraft {
  const { manifest, config, layers } = stored
  const kept: KeptByImage = {
    blobs: [manifest.digest, config.digest, ...layers.map(({ digest }) => digest)],
    snapshots: layers.map(({ chainId }) => chainId),
  }
  return { id: stored.id, names: [...new Set(names)], links: [], body: stored as unknown as Json, summary: kept as unknown as Json }
}

/** The record in an object of the registry. */
export function recordOf({ names, version, body }: RegistryObject): ImageRecord {
  return { ...(body as unknown as StoredImage), names, version }
}

/** What an image keeps. Rejects with `corrupt` where that cannot be read: then nobody may collect anything. */
export function keptBy({ id, summary }: RegistrySummary): KeptByImage {
  const kept = summary as unknown as KeptByImage | null
  if (Array.isArray(kept?.blobs) && Array.isArray(kept.snapshots)) return kept
  throw new LibpodError(
    'corrupt',
    `What image ${id.slice(0, 12)} refers to cannot be read, so that no garbage can be told from what it needs.`,
    { what: `image/${id}` },
    { hint: 'Remove that image and bring it back.' },
  )
}
