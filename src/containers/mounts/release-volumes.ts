import { isLibpodError } from '../../base/errors.ts'
import { letGoOfVolume } from '../../volumes/use.ts'
import { type ContainerRecord, volumesOf } from '../record.ts'
import type { ContainersServices, LiveEntries } from '../services.ts'

/** Tells the volumes of a container that it has let go. Idempotent; a driver that fails or is not here keeps nobody. */
export async function releaseVolumes(services: ContainersServices, record: ContainerRecord): Promise<void> {
  if (volumesOf(record).length === 0) return
  const { id } = record
  const given = await services.live.get<LiveEntries['volumes']>('volumes', id)
  for (const name of given?.names ?? []) {
    try {
      await letGoOfVolume(services.volumes, name, id, [`container/${id}`])
    } catch (error) {
      if (!isLibpodError(error)) throw error
      services.logger.warn(`Letting go of volume ${name}: ${error.message}`)
    }
  }
  await services.live.delete('volumes', id)
}
