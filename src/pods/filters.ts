import { checkStatusFilter, type Filters, type FilterTable, matchesLabel, parsePattern } from '../base/filter.ts'
import { parseInstant } from '../base/instant.ts'
import { containerStatuses } from '../containers/status.ts'
import { podStatuses } from './status.ts'
import type { PodSummary } from './summary.ts'

/**
 * Filters of lists of pods, with Podman's names: values of one key are alternatives (labels must all match), keys must all match. `name`
 * is a regular expression, `until` a time or how long ago; those that begin with `ctr-` ask for a container of the pod.
 *
 * @public
 */
export type PodFilters = Filters<
  'id' | 'name' | 'label' | 'label!' | 'status' | 'until' | 'ctr-ids' | 'ctr-names' | 'ctr-status' | 'ctr-number'
>

/** The tests. Throws `invalid-argument` for a value that can match nothing. */
export function podFilterTable(filters: PodFilters = {}): FilterTable<PodSummary> {
  for (const status of [filters.status ?? []].flat()) checkStatusFilter(status, podStatuses, 'filters.status')
  for (const status of [filters['ctr-status'] ?? []].flat()) checkStatusFilter(status, containerStatuses, 'filters.ctr-status')
  const patterns = new Map([filters.name ?? []].flat().map((value) => [value, parsePattern(value, 'filters.name')]))
  return {
    id: ({ id }, value) => id.startsWith(value),
    name: ({ name }, value) => patterns.get(value)?.test(name) ?? false,
    label: ({ labels }, value) => matchesLabel(labels, value),
    'label!': ({ labels }, value) => !matchesLabel(labels, value),
    status: ({ status }, value) => status === value,
    until: ({ createdAt }, value) => Date.parse(createdAt) < parseInstant(value, 'filters.until'),
    'ctr-ids': ({ containers }, value) => containers.some(({ id }) => id.startsWith(value)),
    'ctr-names': ({ containers }, value) => containers.some(({ name }) => name === value),
    'ctr-status': ({ containers }, value) => containers.some(({ status }) => status === value),
    'ctr-number': ({ containers }, value) => String(containers.length) === value,
  }
}
