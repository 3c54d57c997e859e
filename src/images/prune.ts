import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError } from '../base/errors.ts'
import { type Filters, matchFilters } from '../base/filter.ts'
import { checkBooleans, checkKnownKeys } from '../base/known-keys.ts'
import { step } from '../base/steps.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { emitImageEvent } from './events.ts'
import { imageTests } from './image-filters.ts'
import { eachImage } from './lookup.ts'
import type { ImagesServices } from './services.ts'

/** What {@link Images.prune} is narrowed by. @public */
export type PruneImagesFilters = Filters<'id' | 'label' | 'label!' | 'reference' | 'until'>

/** Options of {@link Images.prune}. @public */
export interface PruneImagesOptions extends AbortOptions {
  /** Also remove images that have names, if no container uses them. */
  readonly all?: boolean | undefined
  /** Remove only images that match. */
  readonly filters?: PruneImagesFilters | undefined
}

/** What {@link Images.prune} removed. @public */
export interface PruneImagesReport {
  /** The images, with what their layers took; of layers shared with other images nothing is freed. */
  readonly images: readonly { readonly id: string; readonly names: readonly string[]; readonly sizeBytes: number }[]
}

/** Removes what nobody needs. Whether an image is in use is decided by the store, in the same instant in which it goes. */
export async function pruneImages(services: ImagesServices, options: PruneImagesOptions = {}): Promise<PruneImagesReport> {
  checkKnownKeys(options, ['all', 'filters', 'signal'], 'images.prune')
  checkBooleans(options, ['all'])
  services.closer.check()
  const { dangling: _, digest: __, ...tests } = imageTests(options.filters)
  const matches = matchFilters<ImageRecord>(tests, options.filters)
  const images: ImageRecord[] = []
  try {
    for await (const record of eachImage(services.store, options.signal)) {
      if (!options.all && record.names.length > 0) continue
      if (!matches(record) || !(await removeIfUnused(services, record))) continue
      images.push(record)
      await step(services.probe, 'prune.event', () => emitImageEvent(services, 'remove', record))
    }
  } finally {
    // Also when the disk is too full to tell of it: that is what makes room.
    if (images.length > 0) services.garbage()
  }
  return { images: images.map(({ id, names, sizeBytes }) => ({ id, names, sizeBytes })) }
}

async function removeIfUnused({ store, probe }: ImagesServices, record: ImageRecord): Promise<boolean> {
  try {
    await step(probe, 'prune.commit', () => store.remove(record.id, record.version === undefined ? {} : { expect: record.version }))
    return true
  } catch (error) {
    // In use, changed since it was read, or gone already: somebody else's by now.
    if (isLibpodError(error, 'in-use') || isLibpodError(error, 'conflict') || isLibpodError(error, 'not-found')) return false
    throw error
  }
}
