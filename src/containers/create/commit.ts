import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { randomName } from '../../base/names.ts'
import type { RegistryOperation } from '../../state/registry-types.ts'
import { draftOf as draftOfVolume, type VolumeRecord, volumeKind } from '../../volumes/record.ts'
import { readVolume } from '../../volumes/store.ts'
import { type ContainerRecord, containerKind, draftOf } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import type { PlannedContainer } from './plan.ts'

/** How often a made-up name may meet one that is taken, and a volume may come and go meanwhile. */
const nameTries = 5
const volumeTries = 100

/** A container that is written, and the volumes that were written with it. */
export interface CommittedContainer {
  readonly record: ContainerRecord
  readonly volumes: readonly string[]
}

/**
 * Writes the container, and in the same instant the volumes it names that are not there: so no volume is left without it, and
 * none can be removed under it. Tells which ones are new. A made-up name that is taken is made up again.
 */
export async function commitContainer(
  services: ContainersServices,
  { record, volumes }: PlannedContainer,
  named: boolean,
): Promise<CommittedContainer> {
  let tried = record
  for (let names = 1, rounds = 1; ; ) {
    const missing = await missingOf(services, volumes)
    const operations = missing.map((volume): RegistryOperation => ({ type: 'create', kind: volumeKind.kind, draft: draftOfVolume(volume) }))
    try {
      await services.registry.commit([...operations, { type: 'create', kind: containerKind.kind, draft: draftOf(tried) }])
      return { record: tried, volumes: missing.map(({ name }) => name) }
    } catch (error) {
      if (isAboutVolume(error) && rounds++ < volumeTries) continue
      if (isLibpodError(error, 'not-found') && error.details.kind === 'image') throw imageGone(record, error)
      if (named || names++ >= nameTries || !isLibpodError(error, 'already-exists')) throw error
      tried = { ...record, name: randomName() }
    }
  }
}

/** Of the volumes a container names, those that are not there yet. */
async function missingOf(services: ContainersServices, volumes: readonly VolumeRecord[]): Promise<readonly VolumeRecord[]> {
  const missing: VolumeRecord[] = []
  for (const volume of volumes) {
    const there = volume.anonymous ? undefined : await readVolume(services, volume.name)
    if (there === undefined) missing.push(volume)
  }
  return missing
}

/** Somebody made or removed one in between. */
function isAboutVolume(error: unknown): boolean {
  return (isLibpodError(error, 'already-exists') || isLibpodError(error, 'not-found')) && error.details.kind === volumeKind.kind
}

function imageGone({ image, mountedImages = [], options }: ContainerRecord, error: LibpodError<'not-found'>): LibpodError {
  const gone = error.details.ref
  const target = mountedImages.find(({ id }) => id === gone)?.target
  const name = image?.id === gone ? image.name : options.mounts.find((mount) => mount.target === target)?.source
  return new LibpodError('not-found', `The image ${name ?? gone} was removed meanwhile.`, error.details, {
    cause: error,
    hint: 'Bring it back and try again.',
  })
}
