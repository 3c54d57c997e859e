import type { AbortOptions } from '../base/abort.ts'
import type { Closer } from '../base/closer.ts'
import type { Probe } from '../base/steps.ts'
import type { EventDraft } from '../events/event.ts'
import type { LockManager } from '../locks/lock-manager.ts'
import type { Registry } from '../state/registry.ts'
import type { VolumeWork } from '../storage/helper-client.ts'
import type { VolumeDriver } from './volume-driver.ts'

/** What the verbs of volumes work with: handed down by the composition root, which alone knows the plug-ins. */
export interface VolumesServices {
  readonly registry: Registry
  readonly locks: LockManager
  readonly closer: Closer
  readonly probe: Probe | undefined
  readonly drivers: ReadonlyMap<string, VolumeDriver>
  /** What is done with trees that strangers have made, in the helper process. */
  readonly work: VolumeWork
  emit(event: EventDraft): Promise<void>
  /** Removes the users of a volume, for a forced removal. */
  removeUsers(users: readonly string[], options: AbortOptions): Promise<void>
}
