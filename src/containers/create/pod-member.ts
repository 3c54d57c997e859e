import { LibpodError } from '../../base/errors.ts'
import type { CreateContainerOptions } from '../options.ts'
import type { PodMembership } from '../pod-membership.ts'
import type { ContainersServices } from '../services.ts'
import { readRecord } from '../store.ts'

/** Options of a container in a pod, completed by what the pod shares. */
export interface MemberOptions {
  readonly options: CreateContainerOptions
  readonly pod?: PodMembership
}

/**
 * Looks up the pod of a new container. A namespace that the pod shares is joined unless the caller says otherwise; of the network nobody
 * may say otherwise, because its ports and addresses are the pod's. Rejects with `not-found` for an unknown pod.
 */
export async function joinPod(services: ContainersServices, options: CreateContainerOptions): Promise<MemberOptions> {
  if (options.pod === undefined) return { options }
  const pod = await services.pod(options.pod)
  const { infra, shares, cgroupParent } = pod
  if (options.cgroupParent !== undefined)
    throw podDecides('cgroupParent', pod, options.cgroupParent, 'its containers lie in its own cgroup')
  for (const path of ofNetwork)
    if (shares.includes('network') && options[path] !== undefined)
      throw podDecides(path, pod, options[path], 'its containers share one network')
  if (shares.includes('uts') && options.uts === undefined && options.hostname !== undefined)
    throw podDecides('hostname', pod, options.hostname, 'its containers share one host name')
  if (infra !== undefined && (await readRecord(services, infra)) === undefined) throw beingRemoved(pod)
  const joined = infra === undefined ? [] : shares.filter((kind) => options[kind] === undefined)
  const inCgroup = cgroupParent === '' ? {} : { cgroupParent }
  return { options: { ...options, ...Object.fromEntries(joined.map((kind) => [kind, { container: infra }])), ...inCgroup }, pod }
}

/** The options that go with a network. */
const ofNetwork = ['network', 'ports', 'dns', 'extraHosts'] as const

function podDecides(path: string, { name }: PodMembership, value: unknown, why: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: pod ${name} decides on it: ${why}.`,
    { path, value },
    { hint: `Give ${path} when you create the pod, or create a pod that does not share it.` },
  )
}

/** Its infra container went first, and who removed it did not come to the end. */
function beingRemoved({ id, name }: PodMembership): LibpodError {
  return new LibpodError(
    'invalid-state',
    `Cannot create a container in pod ${name}: its removal was begun.`,
    { kind: 'pod', ref: id, state: 'error', allowed: [], verb: 'create' },
    { hint: 'Remove it to the end, and create another one.' },
  )
}
