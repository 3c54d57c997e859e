import type { AbortOptions } from '../../base/abort.ts'
import { isLibpodError } from '../../base/errors.ts'
import { longestDelayMs } from '../../base/longest-delay.ts'
import { verbOptions } from '../../base/schema.ts'
import { step } from '../../base/steps.ts'
import { sleep } from '../../base/time.ts'
import { type ContainerRecord, containerKind, goesAtItsEnd, type LiveContainer } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { updateState } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { dropEnded } from './drop.ts'
import { keepEndOf } from './kept-exits.ts'
import { directMs, isDirect, isPaused, killHeld, thaw } from './kill.ts'
import { runtimeOf } from './pins.ts'
import { type WhenEnded, whenEnded } from './when-ended.ts'
import { type HeldWork, withContainer } from './with-container.ts'

/** Options of {@link Container.stop}. @public */
export interface StopContainerOptions extends AbortOptions {
  /** How long it may take before it is killed, in milliseconds; the container's own `stopTimeoutMs` if not given. 0 kills at once. */
  readonly timeoutMs?: number | undefined
}

/** Refuses what is no option of `stop` or `restart`. */
export const checkStopOptions = verbOptions<StopContainerOptions>((z) => ({ timeoutMs: z.number().min(0).max(longestDelayMs).optional() }))

/** What is known when the signal is out. */
interface Asked {
  readonly ended: WhenEnded
  readonly patience: number
  readonly record: ContainerRecord
}

/** Asks a container to end with its stop signal, and kills it when it does not. It is not restarted, unless the caller is about to do that. */
export async function stopContainer(
  services: ContainersServices,
  id: string,
  options: StopContainerOptions = {},
  { restarts = false }: { readonly restarts?: boolean } = {},
): Promise<{ changed: boolean }> {
  await checkStopOptions(options)
  const { timeoutMs, signal } = options
  const asked = await withContainer(services, id, { signal }, async ({ record, live }): Promise<HeldWork<Asked | 'again' | undefined>> => {
    const { status } = record.state
    if (status === 'created' || status === 'exited' || status === 'removing') return cancelRestart(services, record)
    const patience = timeoutMs ?? record.options.stopTimeoutMs
    await step(services.probe, 'stop.mark', () => markStopping(services, record, live, { patience, restarts }))
    await step(services.probe, 'stop.commit', () =>
      updateState(services, id, (state) => ({ ...state, status: 'stopping', stoppedByUser: true })),
    )
    const found = await killHeld(services, record, patience === 0 ? 9 : record.options.stopSignal)
    if (!found && isDirect(record)) return { result: 'again' }
    const runtime = await runtimeOf(services, record)
    if (await isPaused(runtime, record)) await thaw(runtime, id)
    return { result: { ended: whenEnded(services, record, live), patience, record } }
  })
  if (asked === undefined) return { changed: false }
  if (asked === 'again') {
    await sleep(directMs, { signal })
    return stopContainer(services, id, options, { restarts }).catch((error: unknown) => {
      if (isLibpodError(error, 'not-found')) return { changed: true }
      throw error
    })
  }
  if (!(await asked.ended.wait({ signal, ...(asked.patience === 0 ? {} : { timeoutMs: asked.patience }) }))) {
    const killed = await killStopping(services, asked.record, signal)
    await killed?.wait({ signal })
  }
  await services.emit({ ...subjectOf(asked.record), action: 'stop' })
  return { changed: true }
}

/** If this engine dies, whoever serves the root carries on: see {@link carryOnStop}. */
async function markStopping(
  services: ContainersServices,
  record: ContainerRecord,
  live: LiveContainer | undefined,
  { patience, restarts }: { readonly patience: number; readonly restarts: boolean },
): Promise<void> {
  if (live === undefined) return
  const stopping = {
    owner: services.owner,
    dueAt: new Date(Date.now() + patience).toISOString(),
    ...(restarts && goesAtItsEnd(record) ? { restarts } : {}),
  }
  await services.live.set(containerKind.kind, record.id, { ...live, stopping })
}

/** Finishes what an engine that died had begun: the container is told once more, and has the time that is left. */
export async function carryOnStop(services: ContainersServices, id: string, dueAt: string, { signal }: AbortOptions): Promise<void> {
  try {
    await stopContainer(services, id, { timeoutMs: Math.max(1, Date.parse(dueAt) - Date.now()), signal })
  } catch (error) {
    if (!isLibpodError(error, 'not-found')) throw error
  }
}

/** Its time is over. It may have ended, or been started anew, in the meantime. */
function killStopping(
  services: ContainersServices,
  { id, state }: ContainerRecord,
  signal: AbortSignal | undefined,
): Promise<WhenEnded | undefined> {
  const killed = withContainer<WhenEnded | undefined>(services, id, { signal }, async ({ record, live }) => {
    if (record.state.status !== 'stopping' || record.state.generation !== state.generation) return { result: undefined }
    await killHeld(services, record, 9)
    return { result: whenEnded(services, record, live) }
  })
  return killed.catch((error: unknown) => {
    if (isLibpodError(error, 'not-found')) return undefined
    throw error
  })
}

async function cancelRestart(services: ContainersServices, record: ContainerRecord): Promise<HeldWork<undefined>> {
  const { id, state } = record
  if (state.restartDueAt === undefined) return { result: undefined }
  await updateState(services, id, ({ restartDueAt: _, ...rest }) => ({ ...rest, stoppedByUser: true }))
  await services.live.delete('restart', id)
  if (!goesAtItsEnd(record)) return { result: undefined }
  // Only the restart kept it.
  await keepEndOf(services, record)
  return { result: undefined, removed: await dropEnded(services, record) }
}
