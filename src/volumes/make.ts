import { isAbsolute } from 'node:path'
import { type AbortOptions, abortable } from '../base/abort.ts'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { step } from '../base/steps.ts'
import { driverOf } from './driver-of.ts'
import type { VolumeRecord } from './record.ts'
import type { VolumesServices } from './services.ts'
import { readVolume, updateVolume } from './store.ts'
import type { VolumeDriver } from './volume-driver.ts'
import { withVolume } from './with-volume.ts'

/** Has a volume made that is only a record so far. Its lock is held. */
export async function makeHeld(services: VolumesServices, record: VolumeRecord, { signal }: AbortOptions = {}): Promise<VolumeRecord> {
  if (record.made) return record
  const { mountpoint } = await step(services.probe, 'volume.make', () => createWith(driverOf(services, record), record, signal))
  return step(services.probe, 'volume.made', () =>
    updateVolume(services, record.name, (current) => ({ ...current, made: true, ...(mountpoint === undefined ? {} : { mountpoint }) })),
  )
}

/** A driver is the host's: what it throws, and what it says, may be anything; and it may not listen to the signal. */
async function createWith(driver: VolumeDriver, record: VolumeRecord, signal: AbortSignal | undefined): Promise<{ mountpoint?: string }> {
  let made: unknown
  try {
    made = await abortable((async () => driver.create(record, { signal }))(), signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (isLibpodError(error)) throw error
    throw driverFailed(driver, record, `failed: ${error instanceof Error ? error.message : 'it threw what is no error'}`, error)
  }
  const { mountpoint } = typeof made === 'object' && made !== null ? (made as { readonly mountpoint?: unknown }) : { mountpoint: null }
  if (mountpoint === undefined) return {}
  if (typeof mountpoint === 'string' && isAbsolute(mountpoint)) return { mountpoint }
  throw driverFailed(
    driver,
    record,
    'did not say where it is: it is to give an object, with an absolute path as mountpoint if there is one',
  )
}

function driverFailed({ name: driver }: VolumeDriver, { name }: VolumeRecord, why: string, cause?: unknown): LibpodError<'internal'> {
  return new LibpodError(
    'internal',
    `The volume driver ${driver}, asked to make volume ${name}, ${why.replace(/\.$/, '')}.`,
    { what: `volume driver ${driver}` },
    { hint: 'Look at the driver that was given to Runtime.open.', ...(cause === undefined ? {} : { cause }) },
  )
}

/** The same for one whose record was committed with a container, which keeps it from being removed. */
export async function makeVolume(
  services: VolumesServices,
  name: string,
  { signal, held = [] }: AbortOptions & { readonly held?: readonly string[] } = {},
): Promise<void> {
  const made = await withVolume(services, name, { signal, held }, async () => {
    const record = await readVolume(services, name)
    const isThere = record !== undefined
    return { result: record && !record.made ? await makeHeld(services, record, { signal }) : undefined, isThere }
  })
  if (made) await services.emit(volumeEvent(made, 'create'))
}

/** An event about a volume; with `user` of what a container does with it. */
export function volumeEvent(
  { name, labels }: Pick<VolumeRecord, 'name' | 'labels'>,
  action: VolumeAction,
  user?: string,
): VolumeEventDraft {
  return { type: 'volume', action, id: name, name, attributes: { ...labels, ...(user === undefined ? {} : { container: user }) } }
}

type VolumeEventDraft = Extract<Parameters<VolumesServices['emit']>[0], { readonly type: 'volume' }>
type VolumeAction = VolumeEventDraft['action']
