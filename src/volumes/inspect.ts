import { summarize, type VolumeSummary, volumeKind } from './record.ts'
import type { VolumesServices } from './services.ts'
import { requireVolume } from './store.ts'

/** All that is known of a volume. @public */
export interface VolumeInspect extends VolumeSummary {
  /** The ids of the containers that use it. */
  readonly containers: readonly string[]
  /** It is empty, and waits for a container that has something to fill it with. */
  readonly needsCopyUp: boolean
  /** No container has used it: the first decides about its owner and mode. */
  readonly needsChown: boolean
}

const prefix = 'container/'

/** Reads all that is known of a volume. */
export async function inspectVolume(services: VolumesServices, name: string): Promise<VolumeInspect> {
  services.closer.check()
  const record = await requireVolume(services, name)
  const users = await services.registry.users(volumeKind.kind, name)
  const containers = users.filter((user) => user.startsWith(prefix)).map((user) => user.slice(prefix.length))
  return { ...summarize(record), containers, needsCopyUp: record.needsCopyUp, needsChown: record.needsChown }
}
