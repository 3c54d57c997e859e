import type { AbortOptions } from '../base/abort.ts'
import { type Filters, type FilterTable, matchesLabel, matchFilters, parseFlag, parsePattern, readValues } from '../base/filter.ts'
import { parseInstant } from '../base/instant.ts'
import { checkKnownKeys } from '../base/known-keys.ts'
import { type NetworkSummary, networkKind } from './record.ts'
import type { NetworkServices } from './services.ts'

/**
 * What lists of networks are narrowed by, with Podman's names: values of one key are alternatives (labels must all match), keys must
 * all match. `name` is a regular expression, `dangling` means used by nobody, `until` is a time or how long ago.
 *
 * @public
 */
export type NetworkFilters = Filters<'id' | 'name' | 'driver' | 'label' | 'label!' | 'dangling' | 'until'>

/** Options of {@link Networks.list}. @public */
export interface ListNetworksOptions extends AbortOptions {
  readonly filters?: NetworkFilters | undefined
}

/** The networks that match. */
export async function listNetworks(services: NetworkServices, options: ListNetworksOptions = {}): Promise<NetworkSummary[]> {
  const found: NetworkSummary[] = []
  for await (const summary of iterateNetworks(services, options)) found.push(summary)
  return found
}

/** Streams the networks that match, in the order of their ids. Closing the engine ends it. */
export async function* iterateNetworks(services: NetworkServices, options: ListNetworksOptions = {}): AsyncGenerator<NetworkSummary, void> {
  checkKnownKeys(options, ['filters', 'signal'], 'networks.list')
  services.closer.check()
  const { filters, signal } = options
  const used = new Set<string>()
  const matches = matchFilters(filterTable(used, filters), filters)
  for await (const page of services.registry.iterate(networkKind.kind)) {
    for (const { id, summary } of page) {
      signal?.throwIfAborted()
      if (services.closer.closed) return
      if (filters?.dangling !== undefined && (await services.registry.users(networkKind.kind, id)).length > 0) used.add(id)
      if (matches(summary as unknown as NetworkSummary)) yield summary as unknown as NetworkSummary
    }
  }
}

/** The tests. Throws `invalid-argument` for a value that can match nothing; `used` are the networks that somebody uses. */
export function filterTable(used: ReadonlySet<string>, filters: NetworkFilters = {}): FilterTable<NetworkSummary> {
  const patternOf = readValues(filters.name, (value) => parsePattern(value))
  const isDangling = readValues(filters.dangling, (value) => parseFlag(value, 'filters.dangling'))
  const instantOf = readValues(filters.until, (value) => parseInstant(value, 'filters.until'))
  return {
    id: ({ id }, value) => id.startsWith(value),
    name: ({ name }, value) => patternOf(value).test(name),
    driver: ({ driver }, value) => driver === value,
    label: ({ labels }, value) => matchesLabel(labels, value),
    'label!': ({ labels }, value) => !matchesLabel(labels, value),
    dangling: ({ id }, value) => !used.has(id) === isDangling(value),
    until: ({ createdAt }, value) => Date.parse(createdAt) < instantOf(value),
  }
}
