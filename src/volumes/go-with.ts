import { isLibpodError } from '../base/errors.ts'
import { step } from '../base/steps.ts'
import { removeUnused } from './remove.ts'
import type { VolumesServices } from './services.ts'
import { readVolume, updateVolume } from './store.ts'

/**
 * Marks the anonymous ones among some volumes to be removed with a container. It is done before that is: whoever finds such a volume
 * without its container removes it.
 */
export async function markGoing(services: VolumesServices, names: readonly string[], container: string): Promise<void> {
  for (const name of names) {
    const record = await readVolume(services, name)
    if (record?.anonymous !== true || record.goesWith === container) continue
    await step(services.probe, 'volume.mark', () => updateVolume(services, name, (current) => ({ ...current, goesWith: container })))
  }
}

/** Removes those among some volumes that go with a container which is gone now. What others use stays, and is theirs from now on. */
export async function removeGoing(
  services: VolumesServices,
  names: readonly string[],
  container: string,
  held: readonly string[] = [],
): Promise<void> {
  for (const name of names) {
    if ((await readVolume(services, name))?.goesWith !== container) continue
    try {
      await removeUnused(services, name, { held, only: ({ goesWith }) => goesWith === container })
    } catch (error) {
      if (isLibpodError(error, 'in-use')) await stay(services, name, container)
      else if (!isLibpodError(error, 'unavailable')) throw error
    }
  }
}

async function stay(services: VolumesServices, name: string, container: string): Promise<void> {
  try {
    await updateVolume(services, name, ({ goesWith, ...rest }) => (goesWith === container ? rest : undefined))
  } catch (error) {
    if (!isLibpodError(error, 'not-found')) throw error
  }
}

/** For a recovery: the volumes whose containers were removed by an engine that died before it could remove them. */
export async function removeLeftBehind(services: VolumesServices, isContainer: (id: string) => Promise<boolean>): Promise<void> {
  for await (const page of services.registry.iterate('volume')) {
    for (const { id: name, summary } of page) {
      if (!(summary as { readonly anonymous?: boolean }).anonymous) continue
      const container = (await readVolume(services, name))?.goesWith
      if (container !== undefined && !(await isContainer(container))) await removeGoing(services, [name], container)
    }
  }
}
