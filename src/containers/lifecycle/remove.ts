import type { AbortOptions } from '../../base/abort.ts'
import { isLibpodError } from '../../base/errors.ts'
import type { ContainersServices } from '../services.ts'
import { checkStatus, isActive } from '../status.ts'
import { readRecord } from '../store.ts'
import { dropContainer } from './drop.ts'
import { killHeld } from './kill.ts'
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
  let killed = false
  for (;;) {
    try {
      const ended = await withContainer(services, id, { signal }, async ({ record, live }) => {
        if (isActive(record.state.status) && force) {
          await killHeld(services, record, 9)
          killed = true
          return { result: whenEnded(services, record, live) }
        }
        checkStatus('remove', record)
        await dropContainer(services, record)
        return { result: undefined, removed: true }
      })
      if (ended === undefined) return { changed: true }
      await ended.wait({ signal })
    } catch (error) {
      // With `autoRemove` it may go by itself once it is killed.
      if (killed && isLibpodError(error, 'not-found')) return { changed: true }
      if (ifExists && isLibpodError(error, 'not-found')) return { changed: false }
      throw error
    }
  }
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
