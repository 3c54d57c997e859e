import type { AbortOptions } from '../../base/abort.ts'
import { step } from '../../base/steps.ts'
import type { OCIRuntime } from '../../oci/oci-runtime.ts'
import { checkCgroup } from '../cgroup-of.ts'
import { type ContainerRecord, containerKind } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { type ContainerStatus, checkStatus } from '../status.ts'
import { updateState } from '../store.ts'
import { subjectOf } from '../subject.ts'
import { runtimeOf } from './pins.ts'
import { withContainer } from './with-container.ts'

/** Freezes all processes of a container. */
export function pauseContainer(services: ContainersServices, id: string, options: AbortOptions = {}): Promise<{ changed: boolean }> {
  return freeze(services, id, options, 'pause', 'paused')
}

/** Lets a frozen container go on. */
export function unpauseContainer(services: ContainersServices, id: string, options: AbortOptions = {}): Promise<{ changed: boolean }> {
  return freeze(services, id, options, 'unpause', 'running')
}

function freeze(
  services: ContainersServices,
  id: string,
  { signal }: AbortOptions,
  verb: 'pause' | 'unpause',
  status: ContainerStatus,
): Promise<{ changed: boolean }> {
  return withContainer<{ changed: boolean }>(services, id, { signal }, async ({ record, live }) => {
    if (record.state.status === status) return { result: { changed: false } }
    checkStatus(verb, record)
    checkCgroup(record, verb)
    const runtime = await runtimeOf(services, record)
    // Whoever finds this looks whether it is paused: the record may not tell.
    if (live) await step(services.probe, `${verb}.mark`, () => services.live.set(containerKind.kind, id, { ...live, freezing: true }))
    try {
      await step(services.probe, `${verb}.runtime`, () =>
        verb === 'pause' ? runtime.pause(id, { signal }) : runtime.resume(id, { signal }),
      )
    } catch (error) {
      if ((await statusIn(runtime, record, verb)) !== status) throw error
    }
    await step(services.probe, `${verb}.commit`, () => updateState(services, id, (state) => ({ ...state, status })))
    if (live) await step(services.probe, `${verb}.live`, () => services.live.set(containerKind.kind, id, live))
    await services.emit({ ...subjectOf(record), action: verb })
    return { result: { changed: true } }
  })
}

/**
 * The status after all. Its program may have ended a moment ago, before anybody could tell; or be about to begin, as the program of
 * `run()`; and a signal that kills thaws as well.
 */
async function statusIn(runtime: OCIRuntime, record: ContainerRecord, verb: 'pause' | 'unpause'): Promise<string> {
  const seen = (await runtime.state(record.id))?.status ?? 'stopped'
  if (seen === 'stopped') checkStatus(verb, { ...record, state: { ...record.state, status: 'exited' } })
  if (record.pins.monitor === 'direct') checkStatus(verb, { ...record, state: { ...record.state, status: 'created' } })
  return seen
}
