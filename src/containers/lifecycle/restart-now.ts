import { isLibpodError } from '../../base/errors.ts'
import type { ContainersServices } from '../services.ts'
import { updateState } from '../store.ts'
import { startHeld } from './start.ts'
import { withContainer } from './with-container.ts'

/** Carries out a restart that the policy asked for, unless a user was quicker. */
export async function restartNow(services: ContainersServices, id: string): Promise<void> {
  try {
    await withContainer(services, id, {}, async (held) => {
      const { status, restartDueAt } = held.record.state
      try {
        // `restartDueAt` goes with the commit of the new run: until then, nobody may take the container for one that has stopped.
        if (status === 'exited' && restartDueAt !== undefined) await startHeld(services, held, { restarted: true })
      } catch (error) {
        await updateState(services, id, ({ restartDueAt: _, ...state }) => state)
        throw error
      } finally {
        await services.live.delete('restart', id)
      }
      return { result: undefined }
    })
  } catch (error) {
    if (!isLibpodError(error, 'not-found')) throw error
  }
}
