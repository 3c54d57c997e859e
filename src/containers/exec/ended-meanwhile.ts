import { isLibpodError } from '../../base/errors.ts'
import { isSameProcess, readProcessStat } from '../../linux/proc.ts'
import { runtimeOf } from '../lifecycle/pins.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { checkStatus } from '../status.ts'
import { readLive, requireRecord } from '../store.ts'

/**
 * What is told of a runtime that failed to exec. Of a container that ends at the same time it says whatever it stumbled over: a file, a
 * namespace, or a fork; so it is the container that is looked at.
 */
export async function failedExec(services: ContainersServices, before: ContainerRecord, error: unknown): Promise<unknown> {
  if (!isLibpodError(error, 'command-failed')) return error
  try {
    const record = await requireRecord(services, before.id)
    checkStatus('exec', record)
    const isOver = record.state.generation !== before.state.generation || !(await stillRuns(services, record))
    if (isOver) checkStatus('exec', { ...record, state: { ...record.state, status: 'exited' } })
    return error
  } catch (reason) {
    return reason
  }
}

async function stillRuns(services: ContainersServices, record: ContainerRecord): Promise<boolean> {
  const live = await readLive(services, record.id)
  if (live?.pid !== undefined && live.pidStartTime !== undefined)
    return (await isSameProcess({ pid: live.pid, startTime: live.pidStartTime })) && !(await isExiting(live.pid))
  // A container of `run()` has no such entry.
  const status = (await (await runtimeOf(services, record)).state(record.id))?.status
  return status === 'running' || status === 'paused'
}

/** The first process of a pid namespace is there until all others have gone; but from when it begins to exit nobody can enter any more. */
async function isExiting(pid: number): Promise<boolean> {
  const found = await readProcessStat(pid)
  // It may have gone since it was looked at.
  return found === undefined || found.state === 'Z' || (found.flags & PF_EXITING) !== 0
}

const PF_EXITING = 0x4
