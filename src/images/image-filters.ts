import { type Filters, type FilterTable, matchesLabel, parseFlag, readValues } from '../base/filter.ts'
import { parseInstant } from '../base/instant.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { matchesReference } from './reference-pattern.ts'

type OwnFilters = Filters<'dangling' | 'digest' | 'id' | 'label' | 'label!' | 'reference' | 'until'>

/** What images can be filtered by without looking at other images. Throws `invalid-argument` for a value that is none. */
export function imageTests(filters: OwnFilters = {}) {
  const instantOf = readValues(filters.until, (value) => parseInstant(value, 'filters.until'))
  const isDangling = readValues(filters.dangling, (value) => parseFlag(value, 'filters.dangling'))
  return {
    id: (record, value) => record.id.startsWith(value.replace(/^sha256:/, '')),
    label: (record, value) => matchesLabel(record.labels, value),
    'label!': (record, value) => !matchesLabel(record.labels, value),
    reference: (record, value) => record.names.some((name) => matchesReference(name, value)),
    until: (record, value) => Date.parse(record.createdAt) < instantOf(value),
    dangling: (record, value) => (record.names.length === 0) === isDangling(value),
    digest: (record, value) => record.manifest.digest === value || record.repoDigests.some((digest) => digest.endsWith(`@${value}`)),
  } as const satisfies FilterTable<ImageRecord>
}
