import type { AbortOptions } from '../base/abort.ts'
import { checkBooleans, checkKnownKeys } from '../base/known-keys.ts'
import { pruneContainers } from '../containers/prune.ts'
import { pruneImages } from '../images/prune.ts'
import { pruneNetworks } from '../network/prune.ts'
import { prunePods } from '../pods/prune.ts'
import { pruneVolumes } from '../volumes/prune.ts'
import type { Engine } from './engine.ts'

/** Options of {@link Runtime.prune}. @public */
export interface PruneOptions extends AbortOptions {
  /** Also remove images that have names, if no container uses them. */
  readonly all?: boolean | undefined
  /** Also remove the volumes that no container uses, with their data: those with names, too. */
  readonly volumes?: boolean | undefined
}

/** What {@link Runtime.prune} removed. @public */
export interface PruneReport {
  /** Ids of containers. */
  readonly containers: readonly string[]
  /** Ids of pods. */
  readonly pods: readonly string[]
  /** Names of networks; the default one stays. */
  readonly networks: readonly string[]
  /** Ids of images. */
  readonly images: readonly string[]
  /** Names of volumes. */
  readonly volumes: readonly string[]
  /** Bytes of volumes, and of blobs and extracted layers that nothing referred to any more. */
  readonly reclaimedBytes: number
}

/** Removes what is not in use, and then what only that referred to. */
export async function pruneRuntime(engine: Engine, options: PruneOptions = {}): Promise<PruneReport> {
  checkKnownKeys(options, ['all', 'volumes', 'signal'], 'prune')
  checkBooleans(options, ['all', 'volumes'])
  const { all = false, volumes = false, signal } = options
  engine.closer.check()
  const pods = await prunePods(engine.pods, { signal })
  const containers = await pruneContainers(engine.containers, { signal })
  const networks = await pruneNetworks(engine.containers.network, { signal })
  const { images } = await pruneImages(engine.images, { all, signal })
  const pruned = volumes ? await pruneVolumes(engine.containers.volumes, { signal }) : { removed: [], reclaimedBytes: 0 }
  const { reclaimedBytes } = await engine.collectGarbage(signal)
  await engine.containers.emit({ type: 'system', action: 'prune', id: '', name: '', attributes: {} })
  return {
    containers: containers.removed,
    pods: pods.removed,
    networks: networks.removed,
    images: images.map(({ id }) => id),
    volumes: pruned.removed,
    reclaimedBytes: reclaimedBytes + pruned.reclaimedBytes,
  }
}
