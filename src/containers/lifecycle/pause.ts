import type { AbortOptions } from '../../base/abort.ts'
import { step } from '../../base/steps.ts'
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
  return withContainer<{ changed: boolean }>(services, id, { signal }, async ({ record }) => {
    if (record.state.status === status) return { result: { changed: false } }
    checkStatus(verb, record)
    const runtime = await runtimeOf(services, record)
    await step(services.probe, `${verb}.runtime`, () => (verb === 'pause' ? runtime.pause(id, { signal }) : runtime.resume(id, { signal })))
    await step(services.probe, `${verb}.commit`, () => updateState(services, id, (state) => ({ ...state, status })))
    await services.emit({ ...subjectOf(record), action: verb })
    return { result: { changed: true } }
  })
}
