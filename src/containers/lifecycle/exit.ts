import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isLibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { exitsDirOf } from '../places.ts'
import { type ContainerRecord, type ContainerState, containerKind, type ExitReason } from '../record.ts'
import { restartDue } from '../restart-policy.ts'
import type { ContainersServices, LiveEntries } from '../services.ts'
import { isActive } from '../status.ts'
import { updateState } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { dropContainer } from './drop.ts'
import { runtimeOf } from './pins.ts'

/** How a container ended, as the monitor or the look of things tells. */
export interface ContainerExit {
  readonly exitCode: number | null
  readonly finishedAt: Date
  readonly oomKilled: boolean
  readonly reason?: ExitReason
}

/**
 * Records a container's end and cleans up behind it. The caller holds the lock. The exit file goes last: whoever finds
 * it does all of this again, and every part may happen twice.
 */
export async function finishExit(services: ContainersServices, record: ContainerRecord, exit: ContainerExit): Promise<ContainerRecord> {
  const { id } = record
  const known = isActive(record.state.status)
  const ended: ContainerRecord = known ? { ...record, state: exited(record, exit) } : record
  const removes = (record.options.autoRemove || record.owner !== undefined) && ended.state.restartDueAt === undefined
  if (removes) {
    const { exitCode, finishedAt, oomKilled, reason } = exit
    const kept: LiveEntries['exit'] = { exitCode, finishedAt: finishedAt.toISOString(), oomKilled, ...(reason ? { reason } : {}) }
    await step(services.probe, 'exit.keep', () => services.live.set('exit', id, kept))
  }
  await Promise.all([
    step(services.probe, 'exit.delete', () => deleteFromRuntime(services, record)),
    known && !removes ? step(services.probe, 'exit.commit', () => updateState(services, id, () => ended.state)) : undefined,
  ])
  await step(services.probe, 'exit.live', () => services.live.delete(containerKind.kind, id))
  if (known) await step(services.probe, 'exit.event', () => emitExit(services, record, exit))
  if (removes) await dropContainer(services, ended)
  const { restartDueAt } = ended.state
  if (restartDueAt !== undefined && !removes)
    await step(services.probe, 'exit.restart', () => services.restartDue(id, new Date(restartDueAt)))
  await step(services.probe, 'exit.file', () => rm(join(exitsDirOf(services.places), id), { force: true }))
  services.changes.notify(id)
  return ended
}

function exited(record: ContainerRecord, exit: ContainerExit): ContainerState {
  const { reason: _, ...before } = record.state
  const state: ContainerState = {
    ...before,
    status: 'exited',
    exitCode: exit.exitCode,
    oomKilled: exit.oomKilled,
    finishedAt: exit.finishedAt.toISOString(),
    ...(exit.reason === undefined ? {} : { reason: exit.reason }),
  }
  const due = restartDue(record.options.restart, state)
  return due === undefined ? state : { ...state, restartDueAt: due.toISOString() }
}

/** The container is dead; what the runtime still keeps of it (its cgroup, its state) goes. */
async function deleteFromRuntime(services: ContainersServices, record: ContainerRecord): Promise<void> {
  try {
    await (await runtimeOf(services, record)).delete(record.id, { force: true })
  } catch (error) {
    if (!isLibpodError(error)) throw error
    services.logger.warn(`Cleaning up container ${record.name}: ${error.message}`)
  }
}

async function emitExit(services: ContainersServices, record: ContainerRecord, { exitCode, oomKilled }: ContainerExit): Promise<void> {
  if (oomKilled) await services.emit({ ...subjectOf(record), action: 'oom' })
  await services.emit({ ...subjectOf(record), action: 'died', exitCode })
}
