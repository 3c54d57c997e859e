import type { AbortOptions } from '../../base/abort.ts'
import { verbOptions } from '../../base/schema.ts'
import { step } from '../../base/steps.ts'
import { pauseContainer, unpauseContainer } from '../../containers/lifecycle/pause.ts'
import { isActive } from '../../containers/status.ts'
import type { PodsServices } from '../services.ts'
import { everyone, podSubject, readPod } from '../store.ts'
import { checkFailures, eachContainer } from './each-container.ts'
import { nothingRuns } from './nothing-runs.ts'

const checkOptions = verbOptions<AbortOptions>()

/** Freezes all containers of a pod that run. */
export function pausePod(services: PodsServices, id: string, options: AbortOptions = {}): Promise<{ changed: boolean }> {
  return freeze(services, id, options, 'pause')
}

/** Lets all that are frozen go on. */
export function unpausePod(services: PodsServices, id: string, options: AbortOptions = {}): Promise<{ changed: boolean }> {
  return freeze(services, id, options, 'unpause')
}

async function freeze(services: PodsServices, id: string, options: AbortOptions, verb: 'pause' | 'unpause'): Promise<{ changed: boolean }> {
  await checkOptions(options)
  const read = await readPod(services, id)
  const { pod } = read
  const active = everyone(read).filter(({ state }) => isActive(state.status))
  if (active.length === 0) throw nothingRuns(verb, pod)
  const chosen = active.filter(({ state }) => state.status === (verb === 'pause' ? 'running' : 'paused'))
  const change = verb === 'pause' ? pauseContainer : unpauseContainer
  const result = await step(services.containers.probe, `pod.${verb}`, () =>
    eachContainer(chosen, async (container) => (await change(services.containers, container.id, options)).changed),
  )
  if (result.changed) await services.containers.emit({ ...podSubject(pod), action: verb })
  checkFailures(verb, pod, result, options)
  return { changed: result.changed }
}
