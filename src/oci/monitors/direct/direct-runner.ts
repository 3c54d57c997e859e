import { closeSync } from 'node:fs'
import type { Helper } from '../../../linux/helper/helper.ts'
import { endProcessesOf } from '../../../linux/processes-of.ts'
import { descriptorsOf } from '../planned-mounts.ts'
import type { DirectExit, DirectPlan, DirectRunner, DirectRunOptions, DirectStdio } from './direct-run.ts'
import type { RunParams, RunResult } from './run-operation.ts'

/** Makes the runner whose containers are children of the helper process. */
export function directRunner({ helper }: { readonly helper: Helper }): DirectRunner {
  return {
    run: (plan, stdio, options = {}) => run(helper, plan, stdio, options),
    end: ({ bundle }) => endProcessesOf(bundle),
  }
}

async function run(helper: Helper, plan: DirectPlan, stdio: DirectStdio, { signal, onStart }: DirectRunOptions): Promise<DirectExit> {
  const ours = new Set([stdio.stdin, stdio.stdout, stdio.stderr].filter((fd) => fd !== undefined))
  const letGo = (): void => {
    for (const fd of ours) closeSync(fd)
    ours.clear()
  }
  try {
    signal?.throwIfAborted()
    const { stdin, stdout, stderr } = stdio
    const params: RunParams = { plan, hasStdin: stdin !== undefined }
    const { exitCode, finishedAt } = await helper.call<RunResult>('oci.run', params, {
      descriptors: [stdout, stderr, ...(stdin === undefined ? [] : [stdin]), ...descriptorsOf(plan.mounts)],
      ...(signal ? { signal } : {}),
      onMessage: () => {
        // The runtime has the pipes now; while we kept them they would never end.
        letGo()
        onStart?.()
      },
    })
    return { exitCode, finishedAt: new Date(finishedAt) }
  } finally {
    letGo()
  }
}
