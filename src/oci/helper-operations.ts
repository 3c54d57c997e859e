import { onAbort } from '../base/abort.ts'
import { GracePeriod } from '../linux/cgroups/grace-period.ts'
import type { HelperContext, HelperOperation } from '../linux/helper/helper.ts'
import { BoundContainers } from './monitors/bound-containers.ts'
import { type CreateParams, createWithConmon } from './monitors/conmon/create-operation.ts'
import { type RunParams, runDirectly } from './monitors/direct/run-operation.ts'
import { MonitorCgroups } from './monitors/monitor-cgroups.ts'

/**
 * What this room has done by the helper process. Containers that are bound to the host are in `bound`: the helper's
 * program kills them (`bound.killAll()`) when its channel closes.
 */
export function ociOperations(bound: BoundContainers = new BoundContainers()): Readonly<Record<string, HelperOperation>> {
  const cgroups = new MonitorCgroups()
  const gracePeriod = new GracePeriod()
  return {
    async 'oci.create'(params, context) {
      const { plan } = params as CreateParams
      const made = await createWithConmon(params as CreateParams, {
        descriptors: context.descriptors,
        cgroups,
        aborted: whenAborted(context),
      })
      if (plan.bound) bound.addProcess({ pid: made.pid, startTime: made.pidStartTime })
      return made
    },
    'oci.run': (params, context) =>
      runDirectly(params as RunParams, {
        descriptors: context.descriptors,
        bound,
        aborted: whenAborted(context),
        onStart: () => context.send({ started: true }),
      }),
    'oci.grace-period': () => gracePeriod.begin(),
  }
}

/** Rejects when the caller gives up. What it rejects with does not matter: the caller has its own reason. */
function whenAborted({ signal }: HelperContext): Promise<never> {
  const aborted = new Promise<never>((_, reject) => {
    onAbort(signal, reject)
  })
  aborted.catch(() => {})
  return aborted
}
