import type { ContainerStatus } from '../containers/status.ts'

/**
 * The states of a pod, with Podman's names: `created` (nothing of it ran yet), `running` (all of it), `degraded` (some of it),
 * `paused`, `exited` (all of it has ended), `stopped` (some has ended, nothing runs), `error` (it can only be removed).
 *
 * @public
 */
export const podStatuses = ['created', 'running', 'degraded', 'paused', 'exited', 'stopped', 'error'] as const

/** One of {@link podStatuses}. @public */
export type PodStatus = (typeof podStatuses)[number]

/** As what each container counts. One that is being stopped runs; one whose program has not been started was only created. */
const counted = {
  created: 'created',
  initialized: 'created',
  running: 'running',
  paused: 'paused',
  stopping: 'running',
  exited: 'exited',
  removing: 'error',
} as const satisfies Record<ContainerStatus, PodStatus>

/** The status of a pod whose containers have these. */
export function podStatus(containers: readonly ContainerStatus[]): PodStatus {
  const all = containers.map((status) => counted[status])
  const has = (status: PodStatus): boolean => all.includes(status as (typeof all)[number])
  const only = (status: PodStatus): boolean => all.length > 0 && all.every((one) => one === status)
  if (only('running')) return 'running'
  if (has('running')) return 'degraded'
  if (only('paused')) return 'paused'
  if (only('exited')) return 'exited'
  if (has('exited')) return 'stopped'
  return has('error') ? 'error' : 'created'
}
