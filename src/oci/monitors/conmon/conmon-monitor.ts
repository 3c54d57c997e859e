import type { Helper } from '../../../linux/helper/helper.ts'
import { signalProcess, watchPid } from '../../../linux/pidfd.ts'
import type { Monitor, MonitorResult } from '../../monitor.ts'
import { descriptorsOf } from '../planned-mounts.ts'
import { attachToConmon } from './attach.ts'
import { controlConmon } from './control.ts'
import type { CreateParams } from './create-operation.ts'
import { readExit } from './exit-of.ts'
import { recoverConmon } from './recover.ts'

/** What {@link conmonMonitor} is made with. */
export interface ConmonMonitorOptions {
  /** Finds conmon's path, once it is needed. */
  readonly path: () => Promise<string>
  readonly helper: Helper
  /** How long a runtime may take to create a container; four minutes if not given, as in Podman. */
  readonly createTimeoutMs?: number
}

/**
 * Makes the monitor that keeps containers beyond the life of their engine: conmon, one small process each.
 *
 * Of its own behaviour callers should know: a container with stdin and without a terminal sees the end of its input when *any* attachment
 * is closed, not only when `end` is called.
 */
export function conmonMonitor({ path, helper, createTimeoutMs = 240_000 }: ConmonMonitorOptions): Monitor {
  return {
    name: 'conmon',
    async create(plan, { signal } = {}) {
      signal?.throwIfAborted()
      const params: CreateParams = { plan, conmon: await path(), timeoutMs: createTimeoutMs }
      return helper.call<MonitorResult>('oci.create', params, { descriptors: descriptorsOf(plan.mounts), signal })
    },
    attach: attachToConmon,
    control: controlConmon,
    exitOf: readExit,
    recover: recoverConmon,
    end: endConmon,
  }
}

async function endConmon({ monitorPid, monitorStartTime }: Pick<MonitorResult, 'monitorPid' | 'monitorStartTime'>): Promise<void> {
  const watch = watchPid(monitorPid, monitorStartTime)
  watch.ref()
  signalProcess(monitorPid, monitorStartTime, 9)
  await watch.exited
}
