import type { AbortOptions } from '../../base/abort.ts'
import { verbOptions } from '../../base/schema.ts'
import { step } from '../../base/steps.ts'
import { startContainer } from '../../containers/lifecycle/start.ts'
import type { ContainerRecord } from '../../containers/record.ts'
import { joinableNamespaces, joinedContainer } from '../../oci/spec/namespaces.ts'
import { halfRemoved } from '../half-removed.ts'
import type { PodsServices } from '../services.ts'
import { podSubject, readPod } from '../store.ts'
import { bothOf, checkFailures, type EachResult, eachContainer } from './each-container.ts'

/** Options of {@link Pod.start}. @public */
export interface StartPodOptions extends AbortOptions {}

const checkOptions = verbOptions<StartPodOptions>()

/** Starts all containers of a pod: the infra container, then the others, each after those whose namespaces it joins. */
export async function startPod(services: PodsServices, id: string, options: StartPodOptions = {}): Promise<{ changed: boolean }> {
  await checkOptions(options)
  const { signal } = options
  const { pod, infra, members } = await readPod(services, id)
  if (pod.infra !== undefined && infra === undefined) throw halfRemoved(pod, 'start')
  const start = async ({ id: container }: ContainerRecord): Promise<boolean> =>
    (await startContainer(services.containers, container, { signal })).changed
  const { probe } = services.containers
  const first = await step(probe, 'pod.start-infra', () => eachContainer(infra === undefined ? [] : [infra], start))
  // Without their namespaces none of them can start.
  checkFailures('start', pod, first, options)
  const rest = await step(probe, 'pod.start-members', () => startInOrder(members, start))
  const { changed } = bothOf([first, rest])
  if (changed) await services.containers.emit({ ...podSubject(pod), action: 'start' })
  checkFailures('start', pod, rest, options)
  return { changed }
}

/** At the same time, as far as they do not need each other. There are no circles: a container can only join one that was there before it. */
function startInOrder(members: readonly ContainerRecord[], start: (container: ContainerRecord) => Promise<boolean>): Promise<EachResult> {
  const byId = new Map(members.map((member) => [member.id, member]))
  const starts = new Map<string, Promise<boolean>>()
  const startAfter = async (member: ContainerRecord): Promise<boolean> => {
    for (const kind of joinableNamespaces) {
      const before = byId.get(joinedContainer(member.options[kind]) ?? '')
      // Why it failed is told for that one; this one says itself that it does not run.
      if (before) await startOnce(before).catch(() => {})
    }
    return start(member)
  }
  const startOnce = (member: ContainerRecord): Promise<boolean> => {
    const started = starts.get(member.id) ?? startAfter(member)
    starts.set(member.id, started)
    return started
  }
  return eachContainer(members, startOnce)
}
