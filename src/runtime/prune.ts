import type { AbortOptions } from '../base/abort.ts'
import { pruneContainers } from '../containers/prune.ts'
import { pruneImages } from '../images/prune.ts'
import { pruneNetworks } from '../network/prune.ts'
import type { Engine } from './engine.ts'

/** Options of {@link Runtime.prune}. @public */
export interface PruneOptions extends AbortOptions {
  /** Also remove images that have names, if no container uses them. */
  readonly all?: boolean | undefined
}

/** What {@link Runtime.prune} removed. @public */
export interface PruneReport {
  /** Ids of containers. */
  readonly containers: readonly string[]
  /** Names of networks; the default one stays. */
  readonly networks: readonly string[]
  /** Ids of images. */
  readonly images: readonly string[]
  /** Bytes of blobs and extracted layers that nothing referred to any more. */
  readonly reclaimedBytes: number
}

/** Removes what is not in use, and then what only that referred to. */
export async function pruneRuntime(engine: Engine, { all = false, signal }: PruneOptions = {}): Promise<PruneReport> {
  engine.closer.check()
  const containers = await pruneContainers(engine.containers, { signal })
  const networks = await pruneNetworks(engine.containers.network, { signal })
  const { images } = await pruneImages(engine.images, { all, signal })
  const { reclaimedBytes } = await engine.collectGarbage(signal)
  await engine.containers.emit({ type: 'system', action: 'prune', id: '', name: '', attributes: {} })
  return { containers: containers.removed, networks: networks.removed, images: images.map(({ id }) => id), reclaimedBytes }
}
