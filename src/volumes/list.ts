import type { AbortOptions } from '../base/abort.ts'
import { matchFilters } from '../base/filter.ts'
import { checkKnownKeys } from '../base/known-keys.ts'
import { type FilteredVolume, type VolumeFilters, volumeFilterTable } from './filters.ts'
import { type VolumeSummary, volumeKind } from './record.ts'
import type { VolumesServices } from './services.ts'

/** Options of {@link Volumes.list}. @public */
export interface ListVolumesOptions extends AbortOptions {
  readonly filters?: VolumeFilters | undefined
}

/** All summaries that match. */
export async function listVolumes(services: VolumesServices, options: ListVolumesOptions = {}): Promise<VolumeSummary[]> {
  const found: VolumeSummary[] = []
  for await (const volume of iterateVolumes(services, options)) found.push(volume)
  return found
}

/** Streams the summaries that match, in the order of their names. Closing the engine ends it. */
export async function* iterateVolumes(services: VolumesServices, options: ListVolumesOptions = {}): AsyncGenerator<VolumeSummary, void> {
  checkKnownKeys(options, ['filters', 'signal'], 'volumes.list')
  services.closer.check()
  const { filters, signal } = options
  signal?.throwIfAborted()
  const matches = matchFilters<FilteredVolume>(volumeFilterTable(filters), filters)
  for await (const page of services.registry.iterate(volumeKind.kind)) {
    for (const { summary } of page) {
      signal?.throwIfAborted()
      if (services.closer.closed) return
      const volume = summary as unknown as VolumeSummary
      const used = filters?.dangling === undefined ? undefined : await isUsed(services, volume.name)
      if (matches(used === undefined ? volume : { ...volume, used })) yield volume
    }
  }
}

async function isUsed({ registry }: VolumesServices, name: string): Promise<boolean> {
  return (await registry.users(volumeKind.kind, name)).length > 0
}
