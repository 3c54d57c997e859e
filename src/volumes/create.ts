import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError } from '../base/errors.ts'
import { checkName } from '../base/names.ts'
import { verbOptions } from '../base/schema.ts'
import { step } from '../base/steps.ts'
import { chooseDriver, defaultDriver } from './driver-of.ts'
import { makeHeld, volumeEvent } from './make.ts'
import { draftOf, newVolume, type VolumeRecord, volumeKind } from './record.ts'
import type { VolumesServices } from './services.ts'
import { requireVolume } from './store.ts'
import { withVolume } from './with-volume.ts'

/** What a volume is made of: {@link Volumes.create}. All is optional. @public */
export interface CreateVolumeOptions extends AbortOptions {
  /** Unique among volumes; 64 hex digits are made up if not given. */
  readonly name?: string | undefined
  /** Who keeps the data: `local`. */
  readonly driver?: string | undefined
  /** Shown in lists and events, and usable in filters. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** What the driver is told; `local` knows no options yet. */
  readonly options?: Readonly<Record<string, string>> | undefined
  /** If there is a volume of this name already, give that one, instead of `already-exists`. */
  readonly ifNotExists?: boolean | undefined
}

const checkOptions = verbOptions<CreateVolumeOptions>((z) => ({
  name: z.string().optional(),
  driver: z.string().min(1).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  options: z.record(z.string(), z.string()).optional(),
  ifNotExists: z.boolean().optional(),
}))

/** Makes a volume and gives its record. The record comes first: what is cut off after it is a volume that can be used and removed. */
export async function createVolume(services: VolumesServices, given: CreateVolumeOptions = {}): Promise<VolumeRecord> {
  services.closer.check()
  await checkOptions(given)
  const { name, driver = defaultDriver, labels, options, ifNotExists = false, signal } = given
  if (name !== undefined) checkName(name)
  chooseDriver(services, driver, 'driver')
  const wanted = newVolume({
    driver,
    ...(name === undefined ? {} : { name }),
    ...(labels === undefined ? {} : { labels }),
    ...(options === undefined ? {} : { options }),
  })
  const { made, isNew } = await withVolume(services, wanted.name, { signal }, async () => {
    try {
      await step(services.probe, 'volume.commit', () => services.registry.create(volumeKind.kind, draftOf(wanted)))
    } catch (error) {
      if (!ifNotExists || !isLibpodError(error, 'already-exists')) throw error
      const there = await makeHeld(services, await requireVolume(services, wanted.name), { signal })
      return { result: { made: there, isNew: false }, isThere: true }
    }
    return { result: { made: await makeOrTakeBack(services, wanted, { signal }), isNew: true }, isThere: true }
  })
  if (isNew) await step(services.probe, 'volume.event', () => services.emit(volumeEvent(made, 'create')))
  return made
}

/** What its driver cannot make is not there at all; unless a container uses it by now, which will say so when it starts. */
async function makeOrTakeBack(services: VolumesServices, record: VolumeRecord, { signal }: AbortOptions): Promise<VolumeRecord> {
  try {
    return await makeHeld(services, record, { signal })
  } catch (error) {
    await services.registry.remove(volumeKind.kind, record.name).catch((refusal: unknown) => {
      if (!isLibpodError(refusal, 'in-use')) throw refusal
    })
    throw error
  }
}
