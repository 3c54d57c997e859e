import type { AbortOptions } from '../base/abort.ts'
import { matchFilters } from '../base/filter.ts'
import { checkKnownKeys } from '../base/known-keys.ts'
import { type ContainerFilters, containerFilterTable } from './filters.ts'
import type { ContainerSummary } from './record.ts'
import type { ContainersServices } from './services.ts'

/** Options of {@link Containers.list}. @public */
export interface ListContainersOptions extends AbortOptions {
  readonly filters?: ContainerFilters | undefined
}

/** Streams the summaries that match, in the order of their ids. Closing the engine ends it. */
export async function* iterateContainers(
  services: ContainersServices,
  options: ListContainersOptions = {},
): AsyncGenerator<ContainerSummary, void> {
  for await (const page of pages(services, options)) yield* page
}

/** All summaries that match. */
export async function listContainers(services: ContainersServices, options: ListContainersOptions = {}): Promise<ContainerSummary[]> {
  const found: ContainerSummary[] = []
  for await (const page of pages(services, options)) found.push(...page)
  return found
}

/** A page at a time: a turn of a generator for each container would cost more than reading it. */
async function* pages(services: ContainersServices, options: ListContainersOptions): AsyncGenerator<ContainerSummary[], void> {
  checkKnownKeys(options, ['filters', 'signal'], 'containers.list')
  services.closer.check()
  const { filters, signal } = options
  signal?.throwIfAborted()
  const matches = filters === undefined ? undefined : matchFilters(await containerFilterTable(services, filters), filters)
  for await (const page of services.registry.iterate('container')) {
    signal?.throwIfAborted()
    if (services.closer.closed) return
    const summaries = page.map(({ summary }) => summary as unknown as ContainerSummary)
    yield matches === undefined ? summaries : summaries.filter(matches)
  }
}
