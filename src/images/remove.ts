import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { verbOptions } from '../base/schema.ts'
import { step } from '../base/steps.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { emitImageEvent } from './events.ts'
import { requireImage, retryConflicts } from './record.ts'
import type { ImagesServices } from './services.ts'

/** Options of {@link Image.remove}. @public */
export interface RemoveImageOptions extends AbortOptions {
  /** Remove it although it has several names, together with the containers that use it. */
  readonly force?: boolean | undefined
  /** Resolve with `{ changed: false }` when it is gone already, instead of `not-found`. */
  readonly ifExists?: boolean | undefined
}

const checkOptions = verbOptions<RemoveImageOptions>((z) => ({ force: z.boolean().optional(), ifExists: z.boolean().optional() }))

/** How often the users of an image are removed before somebody who keeps making new ones has won. */
const rounds = 10

/** Removes an image's record and names; its blobs and layers go to the collector. */
export async function removeImage(services: ImagesServices, id: string, options: RemoveImageOptions = {}): Promise<{ changed: boolean }> {
  await checkOptions(options)
  try {
    const record = await removeRecord(services, id, options)
    services.garbage()
    await step(services.probe, 'remove.event', () => emitImageEvent(services, 'remove', record))
    return { changed: true }
  } catch (error) {
    if (options.ifExists && isLibpodError(error, 'not-found')) return { changed: false }
    throw error
  }
}

async function removeRecord(services: ImagesServices, id: string, { force = false, signal }: RemoveImageOptions): Promise<ImageRecord> {
  for (let round = 1; ; round++) {
    signal?.throwIfAborted()
    try {
      return await retryConflicts(() => removeOnce(services, id, force))
    } catch (error) {
      if (!isLibpodError(error, 'in-use') || error.details.users.every((user) => user.startsWith('name/'))) throw error
      if (!force || services.removeUsers === undefined || round === rounds) throw refuseUsed(error)
      await services.removeUsers(error.details.users, { signal })
    }
  }
}

async function removeOnce(services: ImagesServices, id: string, force: boolean): Promise<ImageRecord> {
  const record = await requireImage(services, id)
  if (record.names.length > 1 && !force) throw refuseManyNames(record)
  // With the version of the record: an image that was just tagged again is not removed by somebody who did not see that.
  await step(services.probe, 'remove.commit', () =>
    services.store.remove(id, record.version === undefined ? {} : { expect: record.version }),
  )
  return record
}

/** `invalid-state` would be a lie and `conflict` would be tried again: the image is in use by its other names. */
function refuseManyNames(record: ImageRecord): LibpodError {
  return new LibpodError(
    'in-use',
    `Image ${record.id.slice(0, 12)} has ${record.names.length} names: ${record.names.join(', ')}.`,
    { kind: 'image', ref: record.id, users: record.names.map((name) => `name/${name}`) },
    { hint: 'Take one away with untag(), or remove it with { force: true }.' },
  )
}

function refuseUsed(error: LibpodError<'in-use'>): LibpodError {
  const { users, ref } = error.details
  return new LibpodError('in-use', `Image ${ref.slice(0, 12)} is used by ${users.join(', ')}.`, error.details, {
    hint: 'Remove those first, or use { force: true }, which removes them too.',
    cause: error,
  })
}
