import { type Filters, type FilterTable, matchesLabel, parseFlag, parsePattern, readValues } from '../base/filter.ts'
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

/** The tests. Throws `invalid-argument` for a value that is none. */
export function volumeFilterTable(filters: VolumeFilters = {}): FilterTable<FilteredVolume> {
  const patternOf = readValues(filters.name, (value) => parsePattern(value))
  const isAnonymous = readValues(filters.anonymous, (value) => parseFlag(value, 'filters.anonymous'))
  const isDangling = readValues(filters.dangling, (value) => parseFlag(value, 'filters.dangling'))
  const instantOf = readValues(filters.until, (value) => parseInstant(value, 'filters.until'))
  return {
    anonymous: ({ anonymous }, value) => anonymous === isAnonymous(value),
    dangling: ({ used }, value) => used !== isDangling(value),
    driver: ({ driver }, value) => driver === value,
    label: ({ labels }, value) => matchesLabel(labels, value),
    'label!': ({ labels }, value) => !matchesLabel(labels, value),
    name: ({ name }, value) => patternOf(value).test(name),
    until: ({ createdAt }, value) => Date.parse(createdAt) < instantOf(value),
  }
}
