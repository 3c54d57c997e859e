import type { AbortOptions } from '../base/abort.ts'
import { type Filters, type FilterTable, matchFilters, parseFlag, readValues } from '../base/filter.ts'
import { checkKnownKeys } from '../base/known-keys.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { imageTests } from './image-filters.ts'
import type { ImageSummary } from './image-info.ts'
import { eachImage, getImage } from './lookup.ts'
import { summaryOf } from './record.ts'
import type { ImagesServices } from './services.ts'

/**
 * What lists of images are narrowed by, with Podman's names: values of one key are alternatives (labels must all match),
 * keys must all match. `before`, `since` and `after` name an image; `until` is a time or how long ago; `reference` is a pattern.
 *
 * @public
 */
export type ImageFilters = Filters<
  'after' | 'before' | 'containers' | 'dangling' | 'digest' | 'id' | 'label' | 'label!' | 'reference' | 'since' | 'until'
>

/** Options of {@link Images.list}. @public */
export interface ListImagesOptions extends AbortOptions {
  readonly filters?: ImageFilters | undefined
}

/** The images that match, the newest first. */
export async function listImages(services: ImagesServices, options: ListImagesOptions = {}): Promise<ImageSummary[]> {
  const found: ImageSummary[] = []
  for await (const summary of iterateImages(services, options)) found.push(summary)
  return found.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
}

/** Streams the images that match, in the order of their ids. Closing the engine ends it. */
export async function* iterateImages(services: ImagesServices, options: ListImagesOptions = {}): AsyncGenerator<ImageSummary, void> {
  checkKnownKeys(options, ['filters', 'signal'], 'images.list')
  services.closer.check()
  const used = new Set<string>()
  const matches = matchFilters(await filterTable(services, options, used), options.filters)
  for await (const record of eachImage(services.store, options.signal)) {
    if (services.closer.closed) return
    if (options.filters?.containers !== undefined && (await services.usersOf(record.id)).length > 0) used.add(record.id)
    if (matches(record)) yield summaryOf(record)
  }
}

/** The tests, with what those that look at other objects need looked up before. */
async function filterTable(
  services: ImagesServices,
  { filters = {}, signal }: ListImagesOptions,
  used: ReadonlySet<string>,
): Promise<FilterTable<ImageRecord>> {
  const times = new Map<string, number>()
  for (const given of [filters.before, filters.since, filters.after]) {
    for (const image of [given ?? []].flat()) times.set(image, Date.parse((await getImage(services, image, { signal })).createdAt))
  }
  const hasContainers = readValues(filters.containers, (value) => parseFlag(value, 'filters.containers'))
  const timeOf = (image: string): number => times.get(image) ?? Number.NaN
  const isNewer = ({ createdAt }: ImageRecord, image: string): boolean => Date.parse(createdAt) > timeOf(image)
  return {
    ...imageTests(filters),
    containers: ({ id }, value) => used.has(id) === hasContainers(value),
    before: ({ createdAt }, image) => Date.parse(createdAt) < timeOf(image),
    since: isNewer,
    after: isNewer,
  }
}
