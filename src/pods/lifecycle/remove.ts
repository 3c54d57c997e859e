import type { AbortOptions } from '../../base/abort.ts'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { verbOptions } from '../../base/schema.ts'
import { step } from '../../base/steps.ts'
import { systemdOf } from '../../containers/cgroup-of.ts'
import { removeContainer } from '../../containers/lifecycle/remove.ts'
import type { ContainerRecord } from '../../containers/record.ts'
import { isActive } from '../../containers/status.ts'
import { cgroupExists } from '../../linux/cgroups/manage.ts'
import { dropSlice } from '../../linux/cgroups/slice.ts'
import { cgroupOfPod } from '../cgroup-of.ts'
import { type PodRecord, podKind } from '../record.ts'
import type { PodsServices } from '../services.ts'
import { everyone, type PodWithMembers, podSubject, readPod } from '../store.ts'
import { checkFailures, type EachResult, eachContainer } from './each-container.ts'

/** Options of {@link Pod.remove}. @public */
export interface RemovePodOptions extends AbortOptions {
  /** Kill what runs of it first. */
  readonly force?: boolean | undefined
  /** Resolve with `{ changed: false }` when it is gone already, instead of `not-found`. */
  readonly ifExists?: boolean | undefined
}

const checkOptions = verbOptions<RemovePodOptions>((z) => ({ force: z.boolean().optional(), ifExists: z.boolean().optional() }))

/**
 * Removes a pod with all its containers: the members, then the infra container, then the pod itself. What a removal that was cut off has
 * left is a pod with fewer containers, which is removed in the same way. Containers that come in between are removed as well.
 */
export async function removePod(
  services: Pick<PodsServices, 'containers'>,
  id: string,
  options: RemovePodOptions = {},
): Promise<{ changed: boolean }> {
  await checkOptions(options)
  const { ifExists = false } = options
  for (let begun = false; ; begun = true) {
    const read = await readPod(services, id).catch((error: unknown) => {
      if ((begun || ifExists) && isLibpodError(error, 'not-found')) return undefined
      throw error
    })
    if (read === undefined) return { changed: begun }
    if (await removeOnce(services, read, options)) return { changed: true }
  }
}

/** Whether it is gone; otherwise somebody has added a container meanwhile. */
async function removeOnce(services: Pick<PodsServices, 'containers'>, read: PodWithMembers, options: RemovePodOptions): Promise<boolean> {
  const { pod, infra, members } = read
  const { force = false, signal } = options
  const { registry, probe, emit } = services.containers
  if (!force) checkAtRest(read)
  const remove = async ({ id }: ContainerRecord): Promise<boolean> =>
    (await removeContainer(services.containers, id, { force, ifExists: true, signal }, { withPod: true })).changed
  checkFailures('remove', pod, await step(probe, 'pod.remove-members', () => removeJoinersFirst(members, remove)), options)
  const last = await step(probe, 'pod.remove-infra', () => eachContainer(infra === undefined ? [] : [infra], remove))
  if (last.failures.some(({ error }) => isLibpodError(error, 'in-use')) && (await hasMembers(services, pod))) return false
  checkFailures('remove', pod, last, options)
  await step(probe, 'pod.remove-cgroup', () => dropCgroup(services, pod))
  try {
    if (!(await step(probe, 'pod.remove', () => registry.remove(podKind.kind, pod.id)))) return true
  } catch (error) {
    if (isLibpodError(error, 'in-use')) return false
    throw error
  }
  await emit({ ...podSubject(pod), action: 'remove' })
  return true
}

/** Each round removes those that no other joins; what fails for another reason fails in the last. */
async function removeJoinersFirst(
  members: readonly ContainerRecord[],
  remove: (container: ContainerRecord) => Promise<boolean>,
): Promise<EachResult> {
  for (let left = members; ; ) {
    const result = await eachContainer(left, remove)
    const used = result.failures.filter(({ error }) => isLibpodError(error, 'in-use'))
    if (used.length === 0 || used.length === left.length || used.length < result.failures.length) return result
    left = used.map(({ container }) => container)
  }
}

async function hasMembers(services: Pick<PodsServices, 'containers'>, { id }: PodRecord): Promise<boolean> {
  return (await readPod(services, id)).members.length > 0
}

/** The containers' runtimes have taken theirs away, and with the last of them went the pod's; systemd keeps a slice. */
async function dropCgroup(services: Pick<PodsServices, 'containers'>, pod: PodRecord): Promise<void> {
  if (!(await services.containers.host()).systemdCgroup) return
  const cgroup = await cgroupOfPod(services, pod)
  if (cgroup !== undefined && (await cgroupExists(cgroup))) await dropSlice(pod.cgroup, systemdOf(services.containers))
}

function checkAtRest(read: PodWithMembers): void {
  const running = everyone(read).filter(({ state }) => isActive(state.status))
  if (running.length === 0) return
  const { id, name } = read.pod
  throw new LibpodError(
    'invalid-state',
    `Cannot remove pod ${name}: ${running.map((container) => container.name).join(', ')} still ${running.length === 1 ? 'runs' : 'run'}.`,
    { kind: 'pod', ref: id, state: 'running', allowed: ['created', 'exited', 'stopped'], verb: 'remove' },
    { hint: 'Stop it first, or remove it with { force: true }.' },
  )
}
