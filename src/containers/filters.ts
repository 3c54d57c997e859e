import { checkStatusFilter, type Filters, type FilterTable, matchesLabel, parsePattern, readValues } from '../base/filter.ts'
import { parseInstant } from '../base/instant.ts'
import { checkName } from '../base/names.ts'
import { findNetwork } from '../network/record.ts'
import { volumeKind } from '../volumes/record.ts'
import type { ContainerSummary } from './record.ts'
import type { ContainersServices } from './services.ts'
import { containerStatuses } from './status.ts'
import { requireRecord } from './store.ts'

/**
 * Filters of lists of containers, with Podman's names: values of one key are alternatives (labels must all match), keys
 * must all match. `name` is a regular expression, `ancestor` an image, `network` the name or id of a network, `pod` a pod, `before` and
 * `since` name a container, `until` is a time or how long ago, `volume` the name of a volume or the place of any mount.
 *
 * @public
 */
export type ContainerFilters = Filters<
  | 'id'
  | 'name'
  | 'label'
  | 'label!'
  | 'status'
  | 'ancestor'
  | 'exited'
  | 'before'
  | 'since'
  | 'until'
  | 'command'
  | 'network'
  | 'pod'
  | 'volume'
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
  const pods = new Map<string, string>()
  for (const pod of [filters.pod ?? []].flat()) pods.set(pod, (await services.pod(pod)).id)
  const networkNames = new Map<string, string>()
  for (const network of [filters.network ?? []].flat())
    networkNames.set(network, (await findNetwork(services.registry, network))?.name ?? network)
  for (const status of [filters.status ?? []].flat()) checkStatusFilter(status, containerStatuses, 'filters.status')
  const users = new Map<string, ReadonlySet<string>>()
  for (const volume of [filters.volume ?? []].flat()) if (!volume.startsWith('/')) users.set(volume, await usersOf(services, volume))
  const patternOf = readValues(filters.name, (value) => parsePattern(value))
  const instantOf = readValues(filters.until, (value) => parseInstant(value, 'filters.until'))
  const timeOf = (container: string): number => times.get(container) ?? Number.NaN
  return {
    id: ({ id }, value) => id.startsWith(value),
    name: ({ name }, value) => patternOf(value).test(name),
    label: ({ labels }, value) => matchesLabel(labels, value),
    'label!': ({ labels }, value) => !matchesLabel(labels, value),
    status: ({ status }, value) => status === value,
    ancestor: isDescendant,
    exited: ({ status, exitCode }, value) => status === 'exited' && String(exitCode) === value,
    before: ({ createdAt }, container) => Date.parse(createdAt) < timeOf(container),
    since: ({ createdAt }, container) => Date.parse(createdAt) > timeOf(container),
    until: ({ createdAt }, value) => Date.parse(createdAt) < instantOf(value),
    command: ({ command }, value) => command[0] === value,
    pod: ({ pod }, value) => pod !== undefined && pod === pods.get(value),
    network: ({ networks }, value) => networks.includes(networkNames.get(value) ?? value),
    volume: ({ id, mounts }, value) => users.get(value)?.has(id) ?? mounts.includes(value),
  }
}

/** The containers that use a volume. */
async function usersOf({ registry }: ContainersServices, volume: string): Promise<ReadonlySet<string>> {
  const users = await registry.users(volumeKind.kind, checkName(volume, 'filters.volume'))
  return new Set(users.map((user) => user.slice(user.indexOf('/') + 1)))
}

/** By the image's id, its full name, or its name without the tag, the registry or both. */
function isDescendant({ image, imageId }: ContainerSummary, value: string): boolean {
  if (image === value || (value !== '' && imageId.startsWith(value.replace(/^sha256:/, '')))) return true
  const untagged = image.replace(/:[^/:]*$/, '')
  return untagged === value || (value !== '' && (image.endsWith(`/${value}`) || untagged.endsWith(`/${value}`)))
}
