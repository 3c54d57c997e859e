import { isLibpodError } from '../../base/errors.ts'
import { makeVolume } from '../../volumes/make.ts'
import { removeUnused } from '../../volumes/remove.ts'
import { type ContainerRecord, containerKind } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/** Has the volumes made whose records came with a container, whose lock is held. If one cannot be, container and volumes are taken back. */
export async function makeVolumes(services: ContainersServices, record: ContainerRecord, names: readonly string[]): Promise<void> {
  try {
    for (const name of names) await makeVolume(services.volumes, name, { held: [`container/${record.id}`] })
  } catch (error) {
    await takeBackCreation(services, record, names)
    throw error
  }
}

/** Takes away the record of a container that nobody was told of, and those of the volumes that came with it. */
export async function takeBackCreation(services: ContainersServices, { id }: ContainerRecord, volumes: readonly string[]): Promise<void> {
  await services.registry.remove(containerKind.kind, id)
  for (const name of volumes) {
    await removeUnused(services.volumes, name, { held: [`container/${id}`] }).catch((refusal: unknown) => {
      if (!isLibpodError(refusal, 'in-use')) throw refusal
    })
  }
}
