import { LibpodError } from '../base/errors.ts'
import { type Filters, type FilterTable, matchesLabel } from '../base/filter.ts'
import { parseInstant } from '../base/instant.ts'
import { findNetwork } from '../network/record.ts'
import type { ContainerSummary } from './record.ts'
import type { ContainersServices } from './services.ts'
import { containerStatuses } from './status.ts'
import { requireRecord } from './store.ts'

/**
 * Filters of lists of containers, with Podman's names: values of one key are alternatives (labels must all match), keys
 * must all match. `name` is a regular expression, `ancestor` an image, `network` the name or id of a network, `before` and `since` name a container, `until` is a
 * time or how long ago.
 *
 * @public
 */
export type ContainerFilters = Filters<
  'id' | 'name' | 'label' | 'label!' | 'status' | 'ancestor' | 'exited' | 'before' | 'since' | 'until' | 'command' | 'network'
>

/** The tests, with what those that look at other containers need looked up before. */
export async function containerFilterTable(
  services: ContainersServices,
  filters: ContainerFilters = {},
): Promise<FilterTable<ContainerSummary>> {
  const times = new Map<string, number>()
  for (const container of [filters.before ?? [], filters.since ?? []].flat()) {
    const { createdAt } = await requireRecord(services, await services.registry.resolve('container', container))
    times.set(container, Date.parse(createdAt))
  }
  const networkNames = new Map<string, string>()
  for (const network of [filters.network ?? []].flat())
    networkNames.set(network, (await findNetwork(services.registry, network))?.name ?? network)
  for (const status of [filters.status ?? []].flat()) checkStatusName(status)
  const patterns = new Map([filters.name ?? []].flat().map((value) => [value, parsePattern(value)]))
  const timeOf = (container: string): number => times.get(container) ?? Number.NaN
  return {
    id: ({ id }, value) => id.startsWith(value),
    name: ({ name }, value) => patterns.get(value)?.test(name) ?? false,
    label: ({ labels }, value) => matchesLabel(labels, value),
    'label!': ({ labels }, value) => !matchesLabel(labels, value),
    status: ({ status }, value) => status === value,
    ancestor: isDescendant,
    exited: ({ status, exitCode }, value) => status === 'exited' && String(exitCode) === value,
    before: ({ createdAt }, container) => Date.parse(createdAt) < timeOf(container),
    since: ({ createdAt }, container) => Date.parse(createdAt) > timeOf(container),
    until: ({ createdAt }, value) => Date.parse(createdAt) < parseInstant(value, 'filters.until'),
    command: ({ command }, value) => command[0] === value,
    network: ({ networks }, value) => networks.includes(networkNames.get(value) ?? value),
  }
}

/** By the image's id, its full name, or its name without the tag, the registry or both. */
function isDescendant({ image, imageId }: ContainerSummary, value: string): boolean {
  if (image === value || (value !== '' && imageId.startsWith(value.replace(/^sha256:/, '')))) return true
  const untagged = image.replace(/:[^/:]*$/, '')
  return untagged === value || (value !== '' && (image.endsWith(`/${value}`) || untagged.endsWith(`/${value}`)))
}

function parsePattern(value: string): RegExp {
  try {
    return new RegExp(value)
  } catch (cause) {
    throw new LibpodError(
      'invalid-argument',
      `filters.name: ${JSON.stringify(value)} is not a regular expression.`,
      { path: 'filters.name', value },
      { cause, hint: 'Escape what has a meaning there, as in "web\\\\+1".' },
    )
  }
}

function checkStatusName(status: string): void {
  if ((containerStatuses as readonly string[]).includes(status)) return
  throw new LibpodError(
    'invalid-argument',
    `filters.status: ${JSON.stringify(status)} is not a status.`,
    { path: 'filters.status', value: status },
    { hint: `The statuses are ${containerStatuses.join(', ')}.` },
  )
}
