import { type AbortOptions, abortable } from '../../base/abort.ts'
import { LibpodError } from '../../base/errors.ts'
import { verbOptions } from '../../base/schema.ts'
import type { ContainerRecord, ExitReason } from '../record.ts'
import type { ContainersServices, LiveEntries } from '../services.ts'
import { type ContainerStatus, containerStatuses, isActive } from '../status.ts'
import { readLive, readRecord } from '../store.ts'
import { whenEnded } from './when-ended.ts'

/**
 * What {@link Container.wait} waits for. `stopped` (default): it has ended and will not be restarted; a container that
 * was never started is waited for until its first run has ended. `next-exit`: the end of its next (or present) run.
 * `removed`: it is gone. `not-running` is Docker's word for: it does not run now or any more. And every state by name, as with Podman.
 *
 * @public
 */
export type WaitCondition = 'stopped' | 'next-exit' | 'removed' | 'not-running' | ContainerStatus

/** Options of {@link Container.wait}. @public */
export interface WaitContainerOptions extends AbortOptions {
  readonly condition?: WaitCondition | undefined
}

/** How a container ended. @public */
export interface WaitResult {
  /** 128 + n after signal n; `null` where it is unknown: see `reason`. A container that never ran has 0, as with Podman. */
  readonly exitCode: number | null
  /**
   * The kernel ended it because it used more memory than it may. Where systemd makes the cgroups, an older conmon may miss that: systemd takes
   * a cgroup away as soon as nothing runs in it.
   */
  readonly oomKilled: boolean
  /** Why the exit code is unknown. */
  readonly reason?: ExitReason
  /** RFC 3339; absent if it has not ended. */
  readonly finishedAt?: string
}

const afterRun: ReadonlySet<WaitCondition> = new Set(['stopped', 'next-exit', 'removed', 'not-running', 'exited'])
const conditions: readonly string[] = ['stopped', 'next-exit', 'removed', 'not-running', ...containerStatuses]

/** Refuses what is no option of `wait`. */
export const checkWaitOptions = verbOptions<WaitContainerOptions>((z) => ({ condition: z.string().optional() }))

/** Waits for a container. It may be removed meanwhile: how it ended is known all the same. */
export async function waitContainer(services: ContainersServices, id: string, options: WaitContainerOptions = {}): Promise<WaitResult> {
  await checkWaitOptions(options)
  const { condition = 'stopped', signal } = options
  signal?.throwIfAborted()
  if (!conditions.includes(condition)) {
    throw new LibpodError(
      'invalid-argument',
      `condition: ${JSON.stringify(condition)} is no condition.`,
      { path: 'condition', value: condition },
      {
        hint: `Conditions are ${conditions.join(', ')}.`,
      },
    )
  }
  const changes = services.changes.subscribe(id)
  let first: ContainerRecord | undefined
  let last: ContainerRecord | undefined
  try {
    for (;;) {
      services.closer.check()
      const record = await readRecord(services, id)
      if (record === undefined) return await resultOfRemoved(services, id, last)
      first ??= record
      last = record
      if (isMet(condition, record, first) && !(condition === 'running' && (await isStarting(services, id)))) return resultOf(record)
      // What only the end of this run can bring is left to who watches the processes, too.
      if (isActive(record.state.status) && afterRun.has(condition)) {
        await whenEnded(services, record, await readLive(services, id)).wait({ signal })
      } else await abortable(changes.changed(), signal)
    }
  } finally {
    changes.close()
  }
}

/** The record is written while the runtime starts the program. */
async function isStarting(services: ContainersServices, id: string): Promise<boolean> {
  return (await readLive(services, id))?.phase === 'starting'
}

function isMet(condition: WaitCondition, { state }: ContainerRecord, first: ContainerRecord): boolean {
  switch (condition) {
    case 'removed':
      return false
    case 'not-running':
      return !isActive(state.status)
    case 'stopped':
      return state.status === 'exited' && state.restartDueAt === undefined
    case 'next-exit': {
      const ran = isActive(first.state.status) ? first.state.generation : first.state.generation + 1
      return state.generation > ran || (state.generation === ran && state.status === 'exited')
    }
    default:
      return state.status === condition
  }
}

function resultOf({ state }: ContainerRecord): WaitResult {
  return {
    exitCode: state.exitCode === undefined ? (isActive(state.status) ? null : 0) : state.exitCode,
    oomKilled: state.oomKilled ?? false,
    ...(state.reason === undefined ? {} : { reason: state.reason }),
    ...(state.finishedAt === undefined ? {} : { finishedAt: state.finishedAt }),
  }
}

/** It is gone. Its last exit is kept for a while; otherwise it is what was seen of it. */
async function resultOfRemoved(services: ContainersServices, id: string, seen: ContainerRecord | undefined): Promise<WaitResult> {
  const kept = await services.live.get<LiveEntries['exit']>('exit', id)
  if (kept) {
    const { exitCode, oomKilled, finishedAt, reason } = kept
    return { exitCode, oomKilled, finishedAt, ...(reason === undefined ? {} : { reason: reason as ExitReason }) }
  }
  if (seen) return resultOf(seen)
  throw new LibpodError('not-found', `There is no container ${id.slice(0, 12)}.`, { kind: 'container', ref: id })
}
