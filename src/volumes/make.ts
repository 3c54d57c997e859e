import type { AbortOptions } from '../base/abort.ts'
import { step } from '../base/steps.ts'
import { driverOf } from './driver-of.ts'
import type { VolumeRecord } from './record.ts'
import type { VolumesServices } from './services.ts'
import { readVolume, updateVolume } from './store.ts'
import { withVolume } from './with-volume.ts'

/** Has a volume made that is only a record so far. Its lock is held. */
export async function makeHeld(services: VolumesServices, record: VolumeRecord, { signal }: AbortOptions = {}): Promise<VolumeRecord> {
  if (record.made) return record
  const { mountpoint } = await step(services.probe, 'volume.make', () => driverOf(services, record).create(record, { signal }))
  return step(services.probe, 'volume.made', () =>
    updateVolume(services, record.name, (current) => ({ ...current, made: true, ...(mountpoint === undefined ? {} : { mountpoint }) })),
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
