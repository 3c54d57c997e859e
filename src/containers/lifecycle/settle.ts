import { isLibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { isSameProcess } from '../../linux/proc.ts'
import { monitorPlaceOf } from '../places.ts'
import { type ContainerRecord, containerKind, type LiveContainer } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { isActive } from '../status.ts'
import { readLive, requireRecord, updateState } from '../store.ts'
import { finishExit } from './exit.ts'
import { monitorOf, runtimeOf } from './pins.ts'

/** A container whose lock is held, as it really is. */
export interface HeldContainer {
  readonly record: ContainerRecord
  readonly live: LiveContainer | undefined
}

/**
 * Brings a container's record up to date with its processes. The caller holds the container's lock; so a start that
 * looks unfinished was cut off, and whatever is found may be finished here. Every verb begins with this, and so does
 * recovery: there is one place that knows what can have happened.
 */
export async function settle(services: ContainersServices, id: string): Promise<HeldContainer> {
  const [record, live] = await Promise.all([requireRecord(services, id), readLive(services, id)])
  if (live === undefined && !isActive(record.state.status)) return { record, live }
  // It is its engine's child: nobody else can know more, and it goes with that engine.
  if (record.pins.monitor === 'direct') return { record, live }
  if (live?.phase === 'starting') return settleStart(services, record, live)
  const exit = await monitorOf(services, record).exitOf(monitorPlaceOf(services.places, id))
  if (exit) return { record: await finishExit(services, record, exit), live: undefined }
  if (live === undefined) return { record: await settleLost(services, record), live }
  if (await isMonitorAlive(live)) return { record, live }
  if (await isProgramAlive(live)) return { record, live }
  // The monitor may have written the exit between the two looks.
  const late = await monitorOf(services, record).exitOf(monitorPlaceOf(services.places, id))
  const unknown = { exitCode: null, finishedAt: new Date(), oomKilled: false, reason: 'monitor-killed' } as const
  return { record: await finishExit(services, record, late ?? unknown), live: undefined }
}

async function isMonitorAlive({ monitorPid, monitorStartTime }: LiveContainer): Promise<boolean> {
  return monitorPid !== undefined && monitorStartTime !== undefined && isSameProcess({ pid: monitorPid, startTime: monitorStartTime })
}

async function isProgramAlive({ pid, pidStartTime }: LiveContainer): Promise<boolean> {
  return pid !== undefined && pidStartTime !== undefined && isSameProcess({ pid, startTime: pidStartTime })
}

/** An active container without a live entry: the machine was restarted under it. */
function settleLost(services: ContainersServices, record: ContainerRecord): Promise<ContainerRecord> {
  return step(services.probe, 'settle.lost', () =>
    updateState(services, record.id, (state) => ({
      ...state,
      status: 'exited',
      exitCode: null,
      reason: 'lost',
      oomKilled: false,
      finishedAt: new Date().toISOString(),
    })),
  )
}

/** A start that was cut off: what runs is adopted, what does not is undone. */
async function settleStart(services: ContainersServices, record: ContainerRecord, live: LiveContainer): Promise<HeldContainer> {
  const place = monitorPlaceOf(services.places, record.id)
  const runtime = await runtimeOf(services, record)
  const found = await monitorOf(services, record).recover(place)
  const exit = await monitorOf(services, record).exitOf(place)
  const seen = await runtime.state(record.id)
  if (seen?.status === 'running' || seen?.status === 'paused' || exit) {
    const adopted: LiveContainer = { ...live, ...found, phase: 'started' }
    await step(services.probe, 'settle.adopt-live', () => services.live.set(containerKind.kind, record.id, adopted))
    const running = await step(services.probe, 'settle.adopt', () =>
      updateState(services, record.id, (state) => ({
        ...state,
        status: seen?.status === 'paused' ? 'paused' : 'running',
        generation: live.generation,
        startedAt: state.generation === live.generation && state.startedAt ? state.startedAt : new Date().toISOString(),
      })),
    )
    return exit ? { record: await finishExit(services, running, exit), live: undefined } : { record: running, live: adopted }
  }
  await undoStart(services, record.id)
  const undone = await updateState(services, record.id, (state) =>
    isActive(state.status) ? { ...state, status: state.finishedAt === undefined ? 'created' : 'exited' } : undefined,
  )
  return { record: undone, live: undefined }
}

/** Takes back whatever a start has made so far. Idempotent. */
export async function undoStart(services: ContainersServices, id: string): Promise<void> {
  const record = await requireRecord(services, id)
  const monitor = record.pins.monitor === 'direct' ? undefined : monitorOf(services, record)
  const found = await monitor?.recover(monitorPlaceOf(services.places, id))
  if (found) await monitor?.end(found)
  try {
    await (await runtimeOf(services, record)).delete(id, { force: true })
  } catch (error) {
    if (!isLibpodError(error, 'command-failed')) throw error
    services.logger.warn(`Taking back a start of container ${id.slice(0, 12)}: ${error.message}`)
  }
  await services.live.delete(containerKind.kind, id)
}
