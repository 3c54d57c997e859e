import { join } from 'node:path'
import { isLibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { sleep } from '../../base/time.ts'
import { unlinkIfThereSync } from '../../linux/fs/unlink.ts'
import { isSameProcess } from '../../linux/proc.ts'
import type { RecoveredMonitor } from '../../oci/monitor.ts'
import { settleNetworks } from '../networking/settle-networks.ts'
import { publishedPorts } from '../networking/start-network.ts'
import { exitsDirOf, monitorPlaceOf } from '../places.ts'
import { type ContainerExit, type ContainerRecord, containerKind, type HeldContainer, type LiveContainer } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { isActive } from '../status.ts'
import { notThere, readLive, requireRecord, updateState } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { finishExit } from './exit.ts'
import { monitorOf, runtimeOf } from './pins.ts'
import { dropPreparedLog } from './prepare-log.ts'
import { runningState, undoneState } from './running-state.ts'
import { undoStart } from './undo-start.ts'

/**
 * Brings a container's record up to date with its processes. The caller holds the container's lock; so a start that
 * looks unfinished was cut off, and whatever is found may be finished here. Every verb begins with this, and so does
 * recovery: there is one place that knows what can have happened. Rejects with `not-found` also when it is only now that
 * the container's end is seen, and it is one that is removed then.
 */
export async function settle(services: ContainersServices, id: string): Promise<HeldContainer> {
  const [record, live] = await Promise.all([requireRecord(services, id), readLive(services, id)])
  const active = isActive(record.state.status)
  if (live === undefined && !active) {
    // The live entry goes last, so an exit file that is still there tells of nothing any more.
    unlinkIfThereSync(join(exitsDirOf(services.places), id))
    return { record, live }
  }
  // It is its engine's child: nobody else can know more, and it goes with that engine.
  if (record.pins.monitor === 'direct') return { record, live }
  if (live?.phase === 'starting') return settleStart(services, record, live)
  const exit = await monitorOf(services, record).exitOf(monitorPlaceOf(services.places, id))
  if (exit) return ended(services, record, exit, live)
  if (live === undefined) return step(services.probe, 'settle.lost', () => ended(services, record, unknownExit('lost')))
  if (!active) {
    // Its end is recorded and its exit file gone: only the last step was cut off.
    await services.live.delete(containerKind.kind, id)
    return { record, live: undefined }
  }
  if ((await isMonitorAlive(live)) || (await isProgramAlive(live))) return settleRunning(services, { record, live })
  // The monitor may have written the exit between the two looks.
  const late = await monitorOf(services, record).exitOf(monitorPlaceOf(services.places, id))
  return ended(services, record, late ?? unknownExit('monitor-killed'), live)
}

async function ended(
  services: ContainersServices,
  record: ContainerRecord,
  exit: ContainerExit,
  live?: LiveContainer,
): Promise<HeldContainer> {
  const left = await finishExit(services, record, exit, live)
  if (left === undefined) throw notThere(record.id)
  return { record: left, live: undefined }
}

/** `lost`: an active container without a live entry; the machine was restarted under it. */
function unknownExit(reason: NonNullable<ContainerExit['reason']>): ContainerExit {
  return { exitCode: null, finishedAt: new Date(), oomKilled: false, reason }
}

async function isMonitorAlive({ monitorPid, monitorStartTime }: Pick<LiveContainer, 'monitorPid' | 'monitorStartTime'>): Promise<boolean> {
  return monitorPid !== undefined && monitorStartTime !== undefined && isSameProcess({ pid: monitorPid, startTime: monitorStartTime })
}

async function isProgramAlive({ pid, pidStartTime }: LiveContainer): Promise<boolean> {
  return pid !== undefined && pidStartTime !== undefined && isSameProcess({ pid, startTime: pidStartTime })
}

/** A start that was cut off: what runs is adopted, what does not is undone. */
async function settleStart(services: ContainersServices, record: ContainerRecord, live: LiveContainer): Promise<HeldContainer> {
  const { id } = record
  const place = monitorPlaceOf(services.places, id)
  const monitor = monitorOf(services, record)
  const found = await monitor.recover(place)
  const seen = await (await runtimeOf(services, record)).state(id)
  const exit = seen?.status === 'stopped' ? await exitOfStopped(services, record, found) : await monitor.exitOf(place)
  if (seen?.status !== 'running' && seen?.status !== 'paused' && !exit) {
    // In this order it can be done again.
    const undone = await updateState(services, id, (state) =>
      isActive(state.status) && live.before !== undefined ? undoneState(live.before) : undefined,
    )
    if (live.ownsLog && !live.before?.ownsLog) await dropPreparedLog(services, record)
    await undoStart(services, id)
    return { record: undone, live: undefined }
  }
  const { before: _, ...known } = live
  const adopted: LiveContainer = { ...known, ...found, phase: 'started' }
  const committed = record.state.generation === live.generation && record.state.status !== 'initialized'
  const ports = await publishedPorts(services, id)
  const running = committed
    ? record
    : await step(services.probe, 'settle.adopt', () => updateState(services, id, (state) => runningState(state, live, ports)))
  await services.emit({ ...subjectOf(record), action: 'start' })
  await step(services.probe, 'settle.adopt-live', () => services.live.set(containerKind.kind, id, adopted))
  return exit ? ended(services, running, exit) : settleFreeze(services, running, adopted)
}

/** What was done to it while it ran, and cut off. */
async function settleRunning(services: ContainersServices, held: { record: ContainerRecord; live: LiveContainer }): Promise<HeldContainer> {
  const { record, live } = held
  if (live.freezing) return settleFreeze(services, record, live)
  if (!live.connecting) return held
  try {
    return await settleNetworks(services, record, live)
  } catch (error) {
    if (isLibpodError(error, 'closed')) throw error
    // It can be stopped all the same; the next verb tries again.
    services.logger.warn(`Bringing container ${record.name} into its networks: ${error instanceof Error ? error.message : String(error)}`)
    return held
  }
}

/** Its program ran and is no more: its monitor, if it lives, is about to write how that ended. */
async function exitOfStopped(
  services: ContainersServices,
  record: ContainerRecord,
  monitor: RecoveredMonitor | undefined,
): Promise<ContainerExit> {
  for (const wait of [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]) {
    const isLate = monitor === undefined || !(await isMonitorAlive(monitor))
    const exit = await monitorOf(services, record).exitOf(monitorPlaceOf(services.places, record.id))
    if (exit || isLate) return exit ?? unknownExit('monitor-killed')
    await sleep(wait)
  }
  return unknownExit('monitor-killed')
}

/** Whether it is paused, when the record may not tell. */
async function settleFreeze(services: ContainersServices, record: ContainerRecord, live: LiveContainer): Promise<HeldContainer> {
  const { id } = record
  const seen = await (await runtimeOf(services, record)).state(id)
  const status = seen?.status === 'paused' ? 'paused' : 'running'
  const isOther = (record.state.status === 'running' || record.state.status === 'paused') && record.state.status !== status
  const settled = isOther
    ? await step(services.probe, 'settle.freeze', () => updateState(services, id, (state) => ({ ...state, status })))
    : record
  const { freezing: _, ...known } = live
  if (live.freezing) await services.live.set(containerKind.kind, id, known)
  return { record: settled, live: known }
}
