import { type Filters, type FilterTable, matchesLabel, parseFlag, parsePattern } from '../base/filter.ts'
import { parseInstant } from '../base/instant.ts'
import type { VolumeSummary } from './record.ts'

/**
 * Filters of lists of volumes, with Podman's names: values of one key are alternatives (labels must all match), keys must all
 * match. `name` is a regular expression, `dangling` whether no container uses it, `until` a time or how long ago.
 *
 * @public
 */
export type VolumeFilters = Filters<'anonymous' | 'dangling' | 'driver' | 'label' | 'label!' | 'name' | 'until'>

/** A volume as filters see it; whether it is used is looked up only for the filter that asks. */
export interface FilteredVolume extends VolumeSummary {
  readonly used?: boolean
}

export function volumeFilterTable(filters: VolumeFilters = {}): FilterTable<FilteredVolume> {
  const patterns = new Map([filters.name ?? []].flat().map((value) => [value, parsePattern(value)]))
  return {
    anonymous: ({ anonymous }, value) => anonymous === parseFlag(value, 'filters.anonymous'),
    dangling: ({ used }, value) => used !== parseFlag(value, 'filters.dangling'),
    driver: ({ driver }, value) => driver === value,
    label: ({ labels }, value) => matchesLabel(labels, value),
    'label!': ({ labels }, value) => !matchesLabel(labels, value),
    name: ({ name }, value) => patterns.get(value)?.test(name) ?? false,
    until: ({ createdAt }, value) => Date.parse(createdAt) < parseInstant(value, 'filters.until'),
  }
}
