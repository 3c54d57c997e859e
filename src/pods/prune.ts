import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError } from '../base/errors.ts'
import { checkKnownKeys } from '../base/known-keys.ts'
import type { PodFilters } from './filters.ts'
import { removePod } from './lifecycle/remove.ts'
import { listPods } from './list.ts'
import type { PodsServices } from './services.ts'

/** Options of {@link Pods.prune}. @public */
export interface PrunePodsOptions extends AbortOptions {
  readonly filters?: PodFilters | undefined
}

/** What {@link Pods.prune} removed. @public */
export interface PrunePodsResult {
  readonly removed: readonly string[]
}

/** Removes the pods that have ended, with their containers. One that was started in the meantime, or that others use, stays. */
export async function prunePods(services: PodsServices, options: PrunePodsOptions = {}): Promise<PrunePodsResult> {
  checkKnownKeys(options, ['filters', 'signal'], 'pods.prune')
  const { filters, signal } = options
  const removed: string[] = []
  for (const { id, status } of await listPods(services, { filters, signal })) {
    if (status !== 'exited' && status !== 'stopped') continue
    try {
      if ((await removePod(services, id, { ifExists: true, signal })).changed) removed.push(id)
    } catch (error) {
      if (!isLibpodError(error, 'invalid-state') && !isLibpodError(error, 'partial-failure')) throw error
    }
  }
  return { removed }
}
