import { isLibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { isHelperLost } from '../../linux/helper/lost.ts'
import { goesAtItsEnd } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { updateState } from '../store.ts'
import { dropEnded } from './drop.ts'
import { keepEndOf } from './kept-exits.ts'
import { startHeld, withNamespaces } from './start.ts'

/** How long after something was in its way a restart is tried again. */
const againMs = 1000

/** Carries out a restart that the policy asked for, unless a user was quicker. */
export async function restartNow(services: ContainersServices, id: string): Promise<void> {
  const done = (): Promise<void> => step(services.probe, 'restart.done', () => services.live.delete('restart', id))
  let failed: { readonly error: unknown } | undefined
  try {
    await withNamespaces<void>(services, id, {}, async (held) => {
      const { status, restartDueAt } = held.record.state
      try {
        // `restartDueAt` goes with the commit of the new run: until then, nobody may take the container for one that has stopped.
        if (status === 'exited' && restartDueAt !== undefined) await startHeld(services, held, { restarted: true })
      } catch (error) {
        // An engine that closes leaves it to the next.
        if (isLibpodError(error, 'closed')) throw error
        if (isHelperLost(error)) return { result: await services.restartDue(id, new Date(Date.now() + againMs)) }
        await updateState(services, id, ({ restartDueAt: _, ...state }) => state)
        await done()
        failed = { error }
        if (!goesAtItsEnd(held.record)) return { result: undefined }
        // Only the restart kept it.
        await keepEndOf(services, held.record)
        return { result: undefined, removed: await dropEnded(services, held.record) }
      }
      return { result: await done() }
    })
  } catch (error) {
    // Its pod is just being stopped, which will reach it, too, or is paused.
    if (isLibpodError(error, 'invalid-state')) return services.restartDue(id, new Date(Date.now() + againMs))
    if (!isLibpodError(error, 'not-found')) throw error
    await done()
  }
  if (failed !== undefined) throw failed.error
}
