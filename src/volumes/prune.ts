import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError } from '../base/errors.ts'
import { matchFilters } from '../base/filter.ts'
import { checkKnownKeys } from '../base/known-keys.ts'
import { driverOf } from './driver-of.ts'
import { type FilteredVolume, type VolumeFilters, volumeFilterTable } from './filters.ts'
import { iterateVolumes } from './list.ts'
import { removeUnused } from './remove.ts'
import type { VolumesServices } from './services.ts'
import { readVolume } from './store.ts'

/** Options of {@link Volumes.prune}. @public */
export interface PruneVolumesOptions extends AbortOptions {
  /** Remove only volumes that match. */
  readonly filters?: Omit<VolumeFilters, 'dangling'> | undefined
}

/** What {@link Volumes.prune} removed. @public */
export interface PruneVolumesResult {
  /** Their names. */
  readonly removed: readonly string[]
  /** What their data took. */
  readonly reclaimedBytes: number
}

/** Removes the volumes that no container uses, with their data: those with names, too, as Podman does. */
export async function pruneVolumes(services: VolumesServices, options: PruneVolumesOptions = {}): Promise<PruneVolumesResult> {
  checkKnownKeys(options, ['filters', 'signal'], 'volumes.prune')
  const { filters, signal } = options
  // Who asks for volumes in use, asks for something that is not done: to overlook it would remove the others.
  const { dangling: _, ...tests } = volumeFilterTable(filters)
  matchFilters<FilteredVolume>(tests, filters)
  const removed: string[] = []
  let reclaimedBytes = 0
  for await (const { name } of iterateVolumes(services, { filters: { ...filters, dangling: 'true' }, signal })) {
    try {
      const sizeBytes = await sizeOf(services, name, { signal })
      if (!(await removeUnused(services, name, { signal }))) continue
      removed.push(name)
      reclaimedBytes += sizeBytes
    } catch (error) {
      // Somebody has just begun to use it, or its driver is not here.
      if (!isLibpodError(error, 'in-use') && !isLibpodError(error, 'unavailable')) throw error
    }
  }
  return { removed, reclaimedBytes }
}

/** What the data of a volume takes; nothing if it is gone, or not made yet. */
export async function sizeOf(services: VolumesServices, name: string, options: AbortOptions): Promise<number> {
  const record = await readVolume(services, name)
  if (!record?.made) return 0
  return (await driverOf(services, record).usage(record, options)).sizeBytes
}
