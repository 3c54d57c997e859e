import { longestDelayMs } from '../../base/longest-delay.ts'
import { verbOptions } from '../../base/schema.ts'
import { step } from '../../base/steps.ts'
import { type StopContainerOptions, stopContainer } from '../../containers/lifecycle/stop.ts'
import type { ContainerRecord } from '../../containers/record.ts'
import type { PodsServices } from '../services.ts'
import { podSubject, readPod } from '../store.ts'
import { bothOf, checkFailures, eachContainer } from './each-container.ts'

/** Options of {@link Pod.stop}. @public */
export interface StopPodOptions extends StopContainerOptions {}

const checkOptions = verbOptions<StopPodOptions>((z) => ({ timeoutMs: z.number().min(0).max(longestDelayMs).optional() }))

/** Stops all containers of a pod, side by side; the infra container last, because the others live in its namespaces. */
export async function stopPod(
  services: PodsServices,
  id: string,
  options: StopPodOptions = {},
  how: { readonly restarts?: boolean } = {},
): Promise<{ changed: boolean }> {
  await checkOptions(options)
  const { pod, infra, members } = await readPod(services, id)
  const stop = async (container: ContainerRecord): Promise<boolean> =>
    (await stopContainer(services.containers, container.id, options, how)).changed
  const { probe } = services.containers
  const first = await step(probe, 'pod.stop-members', () => eachContainer(members, stop))
  // Those that could not be stopped still need it.
  checkFailures('stop', pod, first, options)
  const last = await step(probe, 'pod.stop-infra', () => eachContainer(infra === undefined ? [] : [infra], stop))
  const { changed } = bothOf([first, last])
  if (changed) await services.containers.emit({ ...podSubject(pod), action: 'stop' })
  checkFailures('stop', pod, last, options)
  return { changed }
}
