import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbortOptions } from '../../base/abort.ts'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { bundleOf, exitsDirOf, logPlaceOf, staticDirOf } from '../places.ts'
import { type ContainerRecord, containerKind } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { checkStatus, isActive } from '../status.ts'
import { readRecord } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { killHeld } from './kill.ts'
import { logDriverOf } from './pins.ts'
import { undoStart } from './settle.ts'
import { whenEnded } from './when-ended.ts'
import { withContainer } from './with-container.ts'

/** Options of {@link Container.remove}. @public */
export interface RemoveContainerOptions extends AbortOptions {
  /** Kill it first if it runs. */
  readonly force?: boolean | undefined
  /** Resolve with `{ changed: false }` when it is gone already, instead of `not-found`. */
  readonly ifExists?: boolean | undefined
}

/** Removes a container with its root file system, its log and its place in the store. */
export async function removeContainer(
  services: ContainersServices,
  id: string,
  { force = false, ifExists = false, signal }: RemoveContainerOptions = {},
): Promise<{ changed: boolean }> {
  for (;;) {
    try {
      const ended = await withContainer(services, id, { signal }, async ({ record, live }) => {
        if (isActive(record.state.status) && force) {
          await killHeld(services, record, 9)
          return { result: whenEnded(services, record, live) }
        }
        checkStatus('remove', record)
        await dropContainer(services, record)
        return { result: undefined, removed: true }
      })
      if (ended === undefined) return { changed: true }
      await ended.wait({ signal })
    } catch (error) {
      if (ifExists && isLibpodError(error, 'not-found')) return { changed: false }
      throw error
    }
  }
}

/**
 * The commit comes first: from then on the container is gone for everybody, and what a killed engine leaves of its
 * files belongs to nobody and is swept by the next one.
 */
export async function dropContainer(services: ContainersServices, record: ContainerRecord): Promise<void> {
  const { id } = record
  try {
    await step(services.probe, 'remove.commit', () => services.registry.remove(containerKind.kind, id))
  } catch (error) {
    if (!isLibpodError(error, 'in-use')) throw error
    throw new LibpodError('in-use', `Container ${record.name} is used by ${error.details.users.join(', ')}.`, error.details, {
      hint: 'Remove those first.',
    })
  }
  await dropFiles(services, record)
  await step(services.probe, 'remove.event', () => services.emit({ ...subjectOf(record), action: 'remove' }))
  services.changes.notify(id)
}

/** Removes an ephemeral container whose engine is gone: nobody is told to end it nicely, and nobody waits for it. */
export async function removeOwnerless(services: ContainersServices, id: string): Promise<void> {
  const release = await services.locks.acquire(`container/${id}`)
  let removed = false
  try {
    const record = await readRecord(services, id)
    if (record !== undefined) {
      await undoStart(services, id)
      await dropContainer(services, record)
    }
    removed = true
  } finally {
    await release({ remove: removed })
  }
}

/** All that a container has outside the store. Idempotent; `record` may be of a container that is long gone. */
export async function dropFiles(services: ContainersServices, record: ContainerRecord): Promise<void> {
  const { id } = record
  await Promise.all([
    step(services.probe, 'remove.live', () =>
      Promise.all([services.live.delete(containerKind.kind, id), services.live.delete('restart', id)]),
    ),
    step(services.probe, 'remove.snapshot', () => (record.pins.snapshotter === undefined ? undefined : services.snapshots.remove(id))),
    step(services.probe, 'remove.log', () => logDriverOf(services, record).remove(logPlaceOf(record))),
    step(services.probe, 'remove.bundle', () => rm(bundleOf(services.places, id), { recursive: true, force: true })),
  ])
  await step(services.probe, 'remove.static', () => rm(staticDirOf(services.places, id), { recursive: true, force: true }))
  await rm(join(exitsDirOf(services.places), id), { force: true })
}
