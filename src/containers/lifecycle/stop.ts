import type { AbortOptions } from '../../base/abort.ts'
import { step } from '../../base/steps.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { updateState } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { killHeld } from './kill.ts'
import { runtimeOf } from './pins.ts'
import { type WhenEnded, whenEnded } from './when-ended.ts'
import { withContainer } from './with-container.ts'

/** Options of {@link Container.stop}. @public */
export interface StopContainerOptions extends AbortOptions {
  /** How long it may take before it is killed, in milliseconds; the container's own `stopTimeoutMs` if not given. 0 kills at once. */
  readonly timeoutMs?: number | undefined
}

/** Asks a container to end with its stop signal, and kills it when it does not. It is not restarted. */
export async function stopContainer(
  services: ContainersServices,
  id: string,
  { timeoutMs, signal }: StopContainerOptions = {},
): Promise<{ changed: boolean }> {
  const asked = await withContainer(services, id, { signal }, async ({ record, live }) => {
    const { status } = record.state
    if (status === 'created' || status === 'exited' || status === 'removing') {
      await cancelRestart(services, record)
      return { result: undefined }
    }
    await step(services.probe, 'stop.mark', () =>
      updateState(services, id, (state) => ({ ...state, status: 'stopping', stoppedByUser: true })),
    )
    const patience = timeoutMs ?? record.options.stopTimeoutMs
    await killHeld(services, record, patience === 0 ? 9 : record.options.stopSignal)
    if (status === 'paused') await (await runtimeOf(services, record)).resume(id, { signal })
    return { result: { ended: whenEnded(services, record, live), patience, record } }
  })
  if (asked === undefined) return { changed: false }
  if (!(await asked.ended.wait({ signal, ...(asked.patience === 0 ? {} : { timeoutMs: asked.patience }) }))) {
    const killed = await killStopping(services, asked.record, signal)
    await killed?.wait({ signal })
  }
  await services.emit({ ...subjectOf(asked.record), action: 'stop' })
  return { changed: true }
}

/** Its time is over. It may have ended, or been started anew, in the meantime. */
function killStopping(
  services: ContainersServices,
  { id, state }: ContainerRecord,
  signal: AbortSignal | undefined,
): Promise<WhenEnded | undefined> {
  return withContainer(services, id, { signal }, async ({ record, live }) => {
    if (record.state.status !== 'stopping' || record.state.generation !== state.generation) return { result: undefined }
    await killHeld(services, record, 9)
    return { result: whenEnded(services, record, live) }
  })
}

async function cancelRestart(services: ContainersServices, { id, state }: ContainerRecord): Promise<void> {
  if (state.restartDueAt === undefined) return
  await updateState(services, id, ({ restartDueAt: _, ...rest }) => ({ ...rest, stoppedByUser: true }))
  await services.live.delete('restart', id)
}
