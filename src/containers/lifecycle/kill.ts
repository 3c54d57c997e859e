import type { AbortOptions } from '../../base/abort.ts'
import { isLibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import { sleep } from '../../base/time.ts'
import { signalProcess } from '../../linux/pidfd.ts'
import { parseSignal, signalNumbers } from '../../linux/signals.ts'
import type { OCIRuntime } from '../../oci/oci-runtime.ts'
import { ownPids } from '../own-pids.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { checkStatus } from '../status.ts'
import { updateState } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { runtimeOf } from './pins.ts'
import { withContainer } from './with-container.ts'

/** Sends a signal to a container's program; SIGKILL and its own stop signal also keep the restart policy from starting it again. */
export async function killContainer(
  services: ContainersServices,
  id: string,
  signal: string | number,
  options: AbortOptions = {},
): Promise<void> {
  const number = parseSignal(signal, 'signal')
  for (;;) {
    const reached = await withContainer(services, id, options, async ({ record }) => {
      checkStatus('kill', record)
      if (number === signalNumbers.SIGKILL || number === record.options.stopSignal) await markStopped(services, record, 'kill.mark')
      if (!(await killHeld(services, record, number)) && isDirect(record)) return { result: false }
      await services.emit({ ...subjectOf(record), action: 'kill', attributes: { ...record.options.labels, signal: String(number) } })
      return { result: true }
    })
    if (reached) return
    await sleep(directMs, { signal: options.signal })
  }
}

/** How long until it is looked again for the program of a `run()`. */
export const directMs = 20

/**
 * A container of a `run()` is told to be running from the moment its record is there, and gone when its record is. In between its
 * runtime may not know it yet, or not any more: then a signal reaches nobody, and is to be sent again.
 */
export function isDirect({ pins }: ContainerRecord): boolean {
  return pins.monitor === 'direct'
}

/** Persisted before the signal goes out: otherwise the restart policy would revive what a user stopped. */
export async function markStopped(services: ContainersServices, record: ContainerRecord, name: string): Promise<void> {
  if (record.state.stoppedByUser) return
  await step(services.probe, name, () => updateState(services, record.id, (state) => ({ ...state, stoppedByUser: true })))
}

/**
 * Sends a signal, and tells whether there was somebody to get it; the caller holds the lock. A container without a pid namespace of its own
 * does not die with its first process: it is killed as a whole cgroup.
 */
export async function killHeld(services: ContainersServices, record: ContainerRecord, signal: number): Promise<boolean> {
  const runtime = await runtimeOf(services, record)
  const all = signal === signalNumbers.SIGKILL && record.options.pid !== 'private'
  const hasCgroup = record.cgroupsPath !== ''
  const { found } = await step(services.probe, 'kill.signal', async () => {
    // The others first: afterwards nobody knows any more whose they are.
    if (all && !hasCgroup) for (const pid of await ownPids(services, record)) signalProcess(pid, undefined, signal)
    return runtime.kill(record.id, signal, { all: all && hasCgroup })
  })
  // With cgroup v1 nothing reaches a frozen process, not even this.
  if (signal === signalNumbers.SIGKILL && (await isPaused(runtime, record))) await thaw(runtime, record.id)
  return found
}

/** A stop that was begun before has forgotten whether it was. */
export async function isPaused(runtime: OCIRuntime, { id, state }: ContainerRecord): Promise<boolean> {
  if (state.status !== 'stopping') return state.status === 'paused'
  return (await runtime.state(id))?.status === 'paused'
}

/** Some runtimes do it by themselves, so that the signal arrives; then there is nothing to resume any more. */
export async function thaw(runtime: OCIRuntime, id: string): Promise<void> {
  try {
    await runtime.resume(id)
  } catch (error) {
    if (!isLibpodError(error, 'command-failed') || (await runtime.state(id))?.status === 'paused') throw error
  }
}
