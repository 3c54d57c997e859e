import type { AbortOptions } from '../../base/abort.ts'
import { isLibpodError } from '../../base/errors.ts'
import { type ContainerRecord, snapshotsOf } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/**
 * Makes those of a container's snapshots that are not there. They are made while its record is written: where that was cut off, the
 * record may have been faster.
 */
export async function makeSnapshots(services: ContainersServices, record: ContainerRecord, { signal }: AbortOptions = {}): Promise<void> {
  for (const { name, ...on } of snapshotsOf(record)) {
    if ((await services.snapshots.stat(name)) !== undefined) continue
    try {
      await services.snapshots.prepare(name, { ...on, signal })
    } catch (error) {
      if (!isLibpodError(error, 'already-exists')) throw error
    }
  }
}
