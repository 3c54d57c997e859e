import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { verbOptions } from '../base/schema.ts'
import { step } from '../base/steps.ts'
import { driverOf } from './driver-of.ts'
import { volumeEvent } from './make.ts'
import { type VolumeRecord, volumeKind } from './record.ts'
import type { VolumesServices } from './services.ts'
import { noSuchVolume, readVolume } from './store.ts'
import { withVolume } from './with-volume.ts'

/** Options of {@link Volume.remove}. @public */
export interface RemoveVolumeOptions extends AbortOptions {
  /** Remove the containers that use it as well, whatever they do. */
  readonly force?: boolean | undefined
  /** Resolve with `{ changed: false }` when it is gone already, instead of `not-found`. */
  readonly ifExists?: boolean | undefined
}

const checkOptions = verbOptions<RemoveVolumeOptions>((z) => ({ force: z.boolean().optional(), ifExists: z.boolean().optional() }))

/** How often the users of a volume are removed before somebody who keeps making new ones has won. */
const rounds = 10

/** Removes a volume with its data. Whether it is in use is decided by the store, in the same instant in which it goes. */
export async function removeVolume(
  services: VolumesServices,
  name: string,
  options: RemoveVolumeOptions = {},
): Promise<{ changed: boolean }> {
  services.closer.check()
  await checkOptions(options)
  const { force = false, ifExists = false, signal } = options
  for (let round = 1; ; round++) {
    signal?.throwIfAborted()
    try {
      if (await removeUnused(services, name, { signal })) return { changed: true }
      if (ifExists) return { changed: false }
      throw noSuchVolume(name)
    } catch (error) {
      if (!isLibpodError(error, 'in-use')) throw error
      if (!force || round === rounds) throw refuseUsed(error)
      await services.removeUsers(error.details.users, { signal })
    }
  }
}

/** Gives `false` if there is no such volume. Rejects with `in-use`. `only` looks at the record once more, under the lock. */
export async function removeUnused(
  services: VolumesServices,
  name: string,
  { signal, held = [], only = () => true }: RemoveUnusedOptions = {},
): Promise<boolean> {
  await refuseIfUsed(services, name)
  const removed = await withVolume(services, name, { signal, held }, async () => {
    const record = await readVolume(services, name)
    if (record === undefined || !only(record)) return { result: undefined, isThere: record !== undefined }
    const driver = driverOf(services, record)
    await step(services.probe, 'volume.remove', () => services.registry.remove(volumeKind.kind, name))
    await step(services.probe, 'volume.drop', () => driver.remove(record))
    return { result: record, isThere: false }
  })
  if (removed) await step(services.probe, 'volume.event', () => services.emit(volumeEvent(removed, 'remove')))
  return removed !== undefined
}

interface RemoveUnusedOptions extends AbortOptions {
  readonly held?: readonly string[]
  readonly only?: (record: VolumeRecord) => boolean
}

/** Looked at without the lock, which its first user may hold for long; what decides is the commit. */
async function refuseIfUsed({ registry }: VolumesServices, name: string): Promise<void> {
  if ((await readVolume({ registry }, name)) === undefined) return
  const users = await registry.users(volumeKind.kind, name)
  if (users.length > 0) throw new LibpodError('in-use', `Volume ${name} is used.`, { kind: 'volume', ref: name, users })
}

function refuseUsed(error: LibpodError<'in-use'>): LibpodError {
  const { users, ref } = error.details
  return new LibpodError('in-use', `Volume ${ref} is used by ${users.join(', ')}.`, error.details, {
    hint: 'Remove those first, or use { force: true }, which removes them too.',
    cause: error,
  })
}
