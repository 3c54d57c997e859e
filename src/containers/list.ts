import type { AbortOptions } from '../base/abort.ts'
import { type Filters, type FilterTable, matchesLabel, matchFilters } from '../base/filter.ts'
import type { ContainerSummary } from './record.ts'
import type { ContainersServices } from './services.ts'

/** Filters of lists of containers, with Podman's names: values of one key are alternatives (labels must all match), keys must all match. @public */
export type ContainerFilters = Filters<'id' | 'name' | 'label' | 'status' | 'ancestor' | 'exited' | 'before' | 'since'>

/** Options of {@link Containers.list}. @public */
export interface ListContainersOptions extends AbortOptions {
  readonly filters?: ContainerFilters | undefined
}

const table: FilterTable<ContainerSummary> = {
  id: (summary, value) => summary.id.startsWith(value),
  name: (summary, value) => new RegExp(value).test(summary.name),
  label: (summary, value) => matchesLabel(summary.labels, value),
  status: (summary, value) => summary.status === value,
  ancestor: (summary, value) =>
    summary.image === value || summary.image.split(':')[0] === value || (value !== '' && summary.imageId.startsWith(value)),
  exited: (summary, value) => summary.status === 'exited' && String(summary.exitCode) === value,
  before: (summary, value) => summary.createdAt < value,
  since: (summary, value) => summary.createdAt > value,
}

/** Streams the summaries that match, a page at a time. */
export async function* iterateContainers(
  services: ContainersServices,
  { filters, signal }: ListContainersOptions = {},
): AsyncGenerator<ContainerSummary, void> {
  const matches = matchFilters(table, filters)
  for await (const page of services.registry.iterate('container')) {
    signal?.throwIfAborted()
    services.closer.check()
    for (const { summary } of page) {
      const container = summary as unknown as ContainerSummary
      if (matches(container)) yield container
    }
  }
}

/** All summaries that match. */
export async function listContainers(
  services: ContainersServices,
  { filters, signal }: ListContainersOptions = {},
): Promise<ContainerSummary[]> {
  const matches = matchFilters(table, filters)
  const found: ContainerSummary[] = []
  for await (const page of services.registry.iterate('container')) {
    signal?.throwIfAborted()
    for (const { summary } of page) if (matches(summary as unknown as ContainerSummary)) found.push(summary as unknown as ContainerSummary)
  }
  return found
}
