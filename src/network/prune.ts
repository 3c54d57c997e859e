import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError } from '../base/errors.ts'
import { type Filters, matchFilters } from '../base/filter.ts'
import { checkKnownKeys } from '../base/known-keys.ts'
import { filterTable } from './list.ts'
import { allNetworks, type NetworkSummary } from './record.ts'
import { removeUnused } from './remove.ts'
import type { NetworkServices } from './services.ts'
import { requireNetwork } from './store.ts'

/** Options of {@link Networks.prune}. @public */
export interface PruneNetworksOptions extends AbortOptions {
  /** Remove only networks that match. */
  readonly filters?: Filters<'label' | 'label!' | 'until'> | undefined
}

/** What {@link Networks.prune} removed. @public */
export interface PruneNetworksResult {
  /** Names of networks. */
  readonly removed: readonly string[]
}

/** Removes the networks that no container uses; the default one stays. */
export async function pruneNetworks(services: NetworkServices, options: PruneNetworksOptions = {}): Promise<PruneNetworksResult> {
  checkKnownKeys(options, ['filters', 'signal'], 'networks.prune')
  services.closer.check()
  const { label, 'label!': notLabel, until } = filterTable(new Set())
  const matches = matchFilters<NetworkSummary>({ label, 'label!': notLabel, until } as never, options.filters)
  const removed: string[] = []
  for (const network of await allNetworks(services.registry)) {
    options.signal?.throwIfAborted()
    if (network.name === services.config.network.defaultNetwork || !matches(network)) continue
    try {
      await removeUnused(services, await requireNetwork(services, network.id))
      removed.push(network.name)
    } catch (error) {
      // In use, or gone already.
      if (!isLibpodError(error, 'in-use') && !isLibpodError(error, 'not-found')) throw error
    }
  }
  return { removed }
}
