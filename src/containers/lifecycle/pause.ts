import type { AbortOptions } from '../../base/abort.ts'
import { step } from '../../base/steps.ts'
import type { OCIRuntime } from '../../oci/oci-runtime.ts'
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
    const runtime = await runtimeOf(services, record)
    // Whoever finds this looks whether it is paused: the record may not tell.
    if (live) await step(services.probe, `${verb}.mark`, () => services.live.set(containerKind.kind, id, { ...live, freezing: true }))
    try {
      await step(services.probe, `${verb}.runtime`, () =>
        verb === 'pause' ? runtime.pause(id, { signal }) : runtime.resume(id, { signal }),
      )
    } catch (error) {
      await checkAlive(runtime, record, verb)
      throw error
    }
    await step(services.probe, `${verb}.commit`, () => updateState(services, id, (state) => ({ ...state, status })))
    if (live) await step(services.probe, `${verb}.live`, () => services.live.set(containerKind.kind, id, live))
    await services.emit({ ...subjectOf(record), action: verb })
    return { result: { changed: true } }
  })
}

/** Its program may have ended a moment ago, before anybody could tell; or not have begun, as the program of `run()`. */
async function checkAlive(runtime: OCIRuntime, record: ContainerRecord, verb: 'pause' | 'unpause'): Promise<void> {
  const seen = await runtime.state(record.id)
  if (seen === undefined || seen.status === 'stopped') checkStatus(verb, { ...record, state: { ...record.state, status: 'exited' } })
}
