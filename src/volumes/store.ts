import { LibpodError } from '../base/errors.ts'
import { checkName } from '../base/names.ts'
import { draftOf, type VolumeRecord, volumeKind } from './record.ts'
import type { VolumesServices } from './services.ts'

/** The record of a volume, or `undefined`. Volumes are known by their whole names only: the beginning of one may be another's. */
export async function readVolume({ registry }: Pick<VolumesServices, 'registry'>, name: string): Promise<VolumeRecord | undefined> {
  const object = await registry.get(volumeKind.kind, checkName(name))
  return object && (object.body as unknown as VolumeRecord)
}

/** The record of a volume. Rejects with `not-found`. */
export async function requireVolume(services: Pick<VolumesServices, 'registry'>, name: string): Promise<VolumeRecord> {
  const record = await readVolume(services, name)
  if (record) return record
  throw noSuchVolume(name)
}

export function noSuchVolume(name: string): LibpodError<'not-found'> {
  return new LibpodError(
    'not-found',
    `There is no volume ${JSON.stringify(name)}.`,
    { kind: 'volume', ref: name },
    { hint: 'volumes.list() tells what there is.' },
  )
}

/** Commits a change of a volume's record. */
export async function updateVolume(
  { registry }: Pick<VolumesServices, 'registry'>,
  name: string,
  change: (record: VolumeRecord) => VolumeRecord | undefined,
): Promise<VolumeRecord> {
  const object = await registry.update(volumeKind.kind, name, ({ body }) => {
    const changed = change(body as unknown as VolumeRecord)
    return changed && draftOf(changed)
  })
  return object.body as unknown as VolumeRecord
}
