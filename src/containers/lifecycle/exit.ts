import { join } from 'node:path'
import { isLibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { unlinkIfThereSync } from '../../linux/fs/unlink.ts'
import { exitsDirOf } from '../places.ts'
import {
  type ContainerExit,
  type ContainerRecord,
  type ContainerState,
  containerKind,
  goesAtItsEnd,
  type LiveContainer,
} from '../record.ts'
import { restartDue } from '../restart-policy.ts'
import type { ContainersServices } from '../services.ts'
import { isActive } from '../status.ts'
import { updateState } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { dropEnded } from './drop.ts'
import { keepExit } from './kept-exits.ts'
import { runtimeOf } from './pins.ts'
import { leavePodCgroup } from './pod-cgroup.ts'
import { releaseParts } from './release.ts'

/**
 * Records a container's end and cleans up behind it. The caller holds the lock. The live entry goes last: whoever finds
 * it does all of this again, and every part may happen twice. `undefined`: the container is removed.
 */
export async function finishExit(
  services: ContainersServices,
  record: ContainerRecord,
  exit: ContainerExit,
  live?: LiveContainer,
): Promise<ContainerRecord | undefined> {
  const { id } = record
  const known = isActive(record.state.status)
  const ended: ContainerRecord = known ? { ...record, state: exited(record, exit, live?.stopping?.restarts) } : record
  const { restartDueAt } = ended.state
  const removes = goesAtItsEnd(record) && restartDueAt === undefined
  if (removes) await step(services.probe, 'exit.keep', () => keepExit(services, id, exit))
  await Promise.all([
    step(services.probe, 'exit.delete', () => deleteFromRuntime(services, record)),
    step(services.probe, 'exit.release', () => releaseParts(services, record)),
    tellExit(services, ended, { exit, commits: known && !removes }),
  ])
  await leavePodCgroup(services, record)
  if (removes) {
    if (await dropEnded(services, ended)) return undefined
    if (known) await step(services.probe, 'exit.commit', () => updateState(services, id, () => ended.state))
  }
  if (restartDueAt !== undefined) await step(services.probe, 'exit.restart', () => services.restartDue(id, new Date(restartDueAt)))
  await step(services.probe, 'exit.file', () => unlinkIfThereSync(join(exitsDirOf(services.places), id)))
  await step(services.probe, 'exit.live', () => services.live.delete(containerKind.kind, id))
  services.changes.notify(id)
  return ended
}

/** One that is stopped to be started again has so long for it; should its engine die in between, the restart comes then. */
const restartMs = 10_000

function exited(record: ContainerRecord, exit: ContainerExit, restarts = false): ContainerState {
  const { reason: _reason, restartDueAt: _due, ports: _ports, ...before } = record.state
  const state: ContainerState = {
    ...before,
    status: 'exited',
    exitCode: exit.exitCode,
    oomKilled: exit.oomKilled,
    finishedAt: exit.finishedAt.toISOString(),
    ...(exit.reason === undefined ? {} : { reason: exit.reason }),
  }
  const due = restarts ? new Date(Date.now() + restartMs) : restartDue(record.options.restart, state)
  return due === undefined ? state : { ...state, restartDueAt: due.toISOString() }
}

/** First it is so, then it is told. The runtime, which takes longer, cleans up meanwhile. */
async function tellExit(
  services: ContainersServices,
  ended: ContainerRecord,
  { exit, commits }: { readonly exit: ContainerExit; readonly commits: boolean },
): Promise<void> {
  if (commits) await step(services.probe, 'exit.commit', () => updateState(services, ended.id, () => ended.state))
  await step(services.probe, 'exit.event', () => emitExit(services, ended, exit))
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
