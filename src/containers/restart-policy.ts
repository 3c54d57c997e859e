/** When a container is started again by itself. @public */
export interface RestartPolicy {
  /**
   * `no` (default); `on-failure`: after an exit code other than 0; `always`: after every end but one asked for by a
   * user; `unless-stopped`: as `always`, and not after a reboot if it was stopped before.
   */
  readonly policy: 'no' | 'on-failure' | 'always' | 'unless-stopped'
  /** With `on-failure`: give up after so many restarts; no limit if not given. */
  readonly maxRetries?: number | undefined
}

const firstDelayMs = 100
/** The longest that a restart is put off. */
export const longestDelayMs = 60_000
/** A run that lasted this long counts as a success: the delay begins anew. */
const steadyMs = 10_000

/** What the policy looks at. */
interface EndedRun {
  readonly startedAt?: string
  readonly finishedAt?: string
  readonly exitCode?: number | null
  readonly restartCount: number
  readonly stoppedByUser?: boolean
}

/**
 * When a container that just ended is to be started again, or `undefined`. The delay doubles from 100 ms to a minute,
 * as Docker's does, and begins anew after a run of 10 s.
 */
export function restartDue({ policy, maxRetries }: RestartPolicy, state: EndedRun): Date | undefined {
  if (policy === 'no' || state.stoppedByUser || state.finishedAt === undefined) return undefined
  if (policy === 'on-failure' && (state.exitCode === 0 || (maxRetries !== undefined && state.restartCount >= maxRetries))) return undefined
  const finished = Date.parse(state.finishedAt)
  const ranMs = state.startedAt === undefined ? 0 : finished - Date.parse(state.startedAt)
  const delay = ranMs >= steadyMs ? firstDelayMs : Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(state.restartCount, 20))
  return new Date(finished + delay)
}
