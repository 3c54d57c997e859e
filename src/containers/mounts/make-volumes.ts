import type { AbortOptions } from '../../base/abort.ts'
import { isLibpodError } from '../../base/errors.ts'
import { makeVolume } from '../../volumes/make.ts'
import { removeUnused } from '../../volumes/remove.ts'
import { type ContainerRecord, containerKind } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/** Has the volumes made whose records came with a container. */
export async function makeVolumes(services: ContainersServices, names: readonly string[], options: AbortOptions): Promise<void> {
  for (const name of names) await makeVolume(services.volumes, name, options)
}

/** Takes away the record of a container that nobody was told of, and those of the volumes that came with it. Its lock is held. */
export async function takeBackCreation(services: ContainersServices, { id }: ContainerRecord, volumes: readonly string[]): Promise<void> {
  await services.registry.remove(containerKind.kind, id)
  for (const name of volumes) {
    await removeUnused(services.volumes, name, { held: [`container/${id}`] }).catch((refusal: unknown) => {
      if (!isLibpodError(refusal, 'in-use')) throw refusal
    })
  }
}
