import { checkStatusFilter, type Filters, type FilterTable, matchesLabel, parsePattern, readValues } from '../base/filter.ts'
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
  const patternOf = readValues(filters.name, (value) => parsePattern(value))
  const instantOf = readValues(filters.until, (value) => parseInstant(value, 'filters.until'))
  return {
    id: ({ id }, value) => id.startsWith(value),
    name: ({ name }, value) => patternOf(value).test(name),
    label: ({ labels }, value) => matchesLabel(labels, value),
    'label!': ({ labels }, value) => !matchesLabel(labels, value),
    status: ({ status }, value) => status === value,
    until: ({ createdAt }, value) => Date.parse(createdAt) < instantOf(value),
    'ctr-ids': ({ containers }, value) => containers.some(({ id }) => id.startsWith(value)),
    'ctr-names': ({ containers }, value) => containers.some(({ name }) => name === value),
    'ctr-status': ({ containers }, value) => containers.some(({ status }) => status === value),
    'ctr-number': ({ containers }, value) => String(containers.length) === value,
  }
}
