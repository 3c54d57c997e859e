import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { unlinkIfThereSync } from '../../linux/fs/unlink.ts'
import { forgetLast } from '../../network/leases.ts'
import { removeBundle } from '../../oci/bundle.ts'
import { markGoing, removeGoing } from '../../volumes/go-with.ts'
import { bundleOf, exitsDirOf, hasOwnLogPlace, logPlaceOf, staticDirOf } from '../places.ts'
import { type ContainerRecord, containerKind, hasLog, snapshotsOf, volumesOf } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { subjectOf } from '../subject.ts'
import { logDriverOf } from './pins.ts'
import { dropPreparedLog } from './prepare-log.ts'

/** How a container goes. */
export interface DropOptions {
  /** Its anonymous volumes go too; those of an ephemeral or automatically removed one always do. */
  readonly volumes?: boolean
}

/**
 * The commit comes first: from then on the container is gone for everybody, and what a killed engine leaves of its
 * files belongs to nobody and is swept by the next one.
 */
export async function dropContainer(
  services: ContainersServices,
  record: ContainerRecord,
  { volumes = false }: DropOptions = {},
): Promise<void> {
  const { id } = record
  if (volumes) await markGoing(services.volumes, volumesOf(record), id)
  try {
    await step(services.probe, 'remove.commit', () => services.registry.remove(containerKind.kind, id))
  } catch (error) {
    if (!isLibpodError(error, 'in-use')) throw error
    throw new LibpodError('in-use', `Container ${record.name} is used by ${error.details.users.join(', ')}.`, error.details, {
      hint: 'Remove those first.',
    })
  }
  // The next container may have its log in the same place, if the caller chose it. A file that was there before is his.
  if (!hasOwnLogPlace(services.places, record) && record.state.ownsLog)
    await step(services.probe, 'remove.log', () => dropPreparedLog(services, record))
  await Promise.all([
    dropFiles(services, record),
    step(services.probe, 'remove.event', () => services.emit({ ...subjectOf(record), action: 'remove' })),
  ])
  services.changes.notify(id)
}

/** Removes a container that goes at its end. Podman's, too, stays as long as others have joined it: `false` tells that. */
export async function dropEnded(services: ContainersServices, record: ContainerRecord): Promise<boolean> {
  try {
    await dropContainer(services, record)
    return true
  } catch (error) {
    if (!isLibpodError(error, 'in-use')) throw error
    services.logger.warn(`Container ${record.name} has ended and was to go, but stays: ${error.message}`)
    return false
  }
}

/** All that a container has outside the store. Idempotent; `record` may be of a container that is long gone. */
async function dropFiles(services: ContainersServices, record: ContainerRecord): Promise<void> {
  const { id } = record
  unlinkIfThereSync(join(exitsDirOf(services.places), id))
  await Promise.all([
    step(services.probe, 'remove.live', () =>
      Promise.all([services.live.delete(containerKind.kind, id), services.live.delete('restart', id), forgetLast(services.network, id)]),
    ),
    step(services.probe, 'remove.snapshot', () => Promise.all(snapshotsOf(record).map(({ name }) => services.snapshots.remove(name)))),
    removeGoing(services.volumes, volumesOf(record), id, [`container/${id}`]),
  ])
  dropFolders(services, record)
}

function dropLog(services: ContainersServices, record: ContainerRecord): Promise<void> {
  return step(services.probe, 'remove.log', () => logDriverOf(services, record).remove(logPlaceOf(record)))
}

const dropAfterMs = 25

/**
 * The root file system is still mounted on a folder of the bundle, in the mount namespace in which the monitor's last words are being
 * said: removing that folder unmounts it, and the kernel takes milliseconds for that, or as long as its disk is slow. Nobody waits
 * for it, nor for the disk to forget the log; and it waits until the next container, if there is one, is under way.
 */
function dropFolders(services: ContainersServices, record: ContainerRecord): void {
  const { id } = record
  services.background.run(
    async () => {
      if (hasLog(record) && hasOwnLogPlace(services.places, record)) await dropLog(services, record)
      await step(services.probe, 'remove.bundle', () => removeBundle(bundleOf(services.places, id)))
      await step(services.probe, 'remove.static', () => rm(staticDirOf(services.places, id), { recursive: true, force: true }))
    },
    (error) => services.logger.warn(`Removing the files of container ${id.slice(0, 12)} failed: ${String(error)}`),
    { afterMs: dropAfterMs },
  )
}
