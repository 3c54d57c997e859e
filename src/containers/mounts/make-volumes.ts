import { isLibpodError } from '../../base/errors.ts'
import { makeVolume } from '../../volumes/make.ts'
import { removeUnused } from '../../volumes/remove.ts'
import { type ContainerRecord, containerKind } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/** Has the volumes made whose records came with a container. If one cannot be, container and volumes are taken back. */
export async function makeVolumes(services: ContainersServices, { id }: ContainerRecord, names: readonly string[]): Promise<void> {
  try {
    for (const name of names) await makeVolume(services.volumes, name)
  } catch (error) {
    await services.registry.remove(containerKind.kind, id)
    for (const name of names) {
      await removeUnused(services.volumes, name).catch((refusal: unknown) => {
        if (!isLibpodError(refusal, 'in-use')) throw refusal
      })
    }
    throw error
  }
}
