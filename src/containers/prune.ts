import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError } from '../base/errors.ts'
import { checkKnownKeys } from '../base/known-keys.ts'
import type { ContainerFilters } from './filters.ts'
import { removeContainer } from './lifecycle/remove.ts'
import { listContainers } from './list.ts'
import type { ContainersServices } from './services.ts'

/** Options of {@link Containers.prune}. @public */
export interface PruneContainersOptions extends AbortOptions {
  readonly filters?: ContainerFilters | undefined
}

/** What {@link Containers.prune} removed. @public */
export interface PruneContainersResult {
  readonly removed: readonly string[]
}

/** Removes the containers that do not run, nor wait for a restart. One that was started in the meantime stays. */
export async function pruneContainers(services: ContainersServices, options: PruneContainersOptions = {}): Promise<PruneContainersResult> {
  checkKnownKeys(options, ['filters', 'signal'], 'containers.prune')
  const { filters, signal } = options
  const removed: string[] = []
  for (const { id, status, ephemeral, infra } of await listContainers(services, { filters, signal })) {
    if ((status !== 'created' && status !== 'exited') || ephemeral || infra) continue
    try {
      const { changed } = await removeContainer(services, id, { ifExists: true, signal }, { idle: true })
      if (changed) removed.push(id)
    } catch (error) {
      if (!isLibpodError(error, 'invalid-state') && !isLibpodError(error, 'in-use')) throw error
    }
  }
  return { removed }
}
