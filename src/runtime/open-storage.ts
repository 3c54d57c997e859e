import { join } from 'node:path'
import type { Closer } from '../base/closer.ts'
import { isLibpodError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Probe } from '../base/steps.ts'
import { sleep } from '../base/time.ts'
import type { ContainersServices } from '../containers/services.ts'
import type { EventDraft } from '../events/event.ts'
import { parsePlatform } from '../images/platform.ts'
import { type ReadyImageOptions, readyImage } from '../images/ready.ts'
import type { ImagesServices } from '../images/services.ts'
import type { Helper } from '../linux/helper/helper.ts'
import { hostArch } from '../linux/host-facts.ts'
import type { LockManager } from '../locks/lock-manager.ts'
import type { Registry } from '../state/registry.ts'
import type { StateStore } from '../state/state-store.ts'
import { BackgroundCollection } from '../storage/background-collection.ts'
import { openContentStore } from '../storage/content/local-content-store.ts'
import { type CollectGarbageOptions, collectGarbage, type GarbageReport } from '../storage/gc.ts'
import { storageWork } from '../storage/helper-client.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { imageKind } from '../storage/images/image-kind.ts'
import { openImageStore } from '../storage/images/local-image-store.ts'
import { Leases } from '../storage/leases.ts'
import { type ReadMergedFileOptions, readMergedFile } from '../storage/snapshots/merged-view.ts'
import { openSnapshotter } from '../storage/snapshots/open-snapshotter.ts'
import type { Snapshotter } from '../storage/snapshotter.ts'

/** How long closing waits for trees that are being removed; the next engine goes on with what is left. */
const settleMs = 5000

/** What the storage of an engine is opened with. */
export interface StorageOptions {
  readonly root: string
  /** Whose it is. */
  readonly uid: number
  readonly registry: Registry
  /** Where leases are kept. */
  readonly liveStore: StateStore
  readonly locks: LockManager
  /** The folder of the owners' lock files, and the owner of this engine. */
  readonly owners: string
  readonly owner: string
  readonly helper: Helper
  readonly logger: Logger
  readonly closer: Closer
  readonly probe: Probe | undefined
  readonly transports: ImagesServices['transports']
  readonly registries: ImagesServices['registries']
  readonly option: { readonly snapshotter?: 'overlay' | 'vfs' | undefined } | undefined
  emit(event: EventDraft): Promise<void>
  /** Removes what uses an image: the room above does. */
  readonly removeUsers: NonNullable<ImagesServices['removeUsers']>
}

/** The storage of an engine. */
export interface OpenedStorage {
  readonly services: ImagesServices
  readonly snapshots: Snapshotter
  /** Why the snapshotter is not overlay. */
  readonly reason: string | undefined
  /** The image of a reference, pulled if that is asked for, with its layers extracted. */
  readyImage(reference: string, options?: ReadyImageOptions): Promise<ImageRecord>
  /** A file as a container with these layers sees it, however it is guarded. */
  readFile: ContainersServices['readLayers']
  /** Removes what no image and no lease needs. */
  collectGarbage(signal?: AbortSignal): Promise<GarbageReport>
  /** Takes away what engines that died were making, and what they would have collected later. */
  recover(): Promise<void>
}

/** Opens the stores below `root/storage`. The helper is started only for what needs it. */
export async function openStorage(options: StorageOptions): Promise<OpenedStorage> {
  const { registry, liveStore, locks, owners, owner, helper, logger, closer, probe } = options
  const place = join(options.root, 'storage')
  const { work, extractLayer, readMerged } = storageWork(helper)
  // In a user namespace overlay can use no other, and for root it uses no other.
  const opaqueXattr = options.uid === 0 ? 'trusted.overlay.opaque' : 'user.overlay.opaque'
  const readFile = async (layers: readonly string[], path: string, how: ReadMergedFileOptions): Promise<Buffer | undefined> => {
    try {
      return await readMergedFile(layers, path, how)
    } catch (error) {
      // An ordinary user's containers have files of other ids: the helper is their root.
      if (!isLibpodError(error, 'permission-denied')) throw error
      const text = await readMerged(layers, path, how)
      return text === undefined ? undefined : Buffer.from(text, 'base64')
    }
  }
  const driver = options.option?.snapshotter
  const [content, { snapshots, reason }] = await Promise.all([
    openContentStore({ root: join(place, 'content') }),
    openSnapshotter({ root: join(place, 'snapshots'), uid: options.uid, work, logger, ...(driver === undefined ? {} : { driver }) }),
  ])
  closer.add(() => Promise.race([snapshots.settled(), sleep(settleMs, { unref: true })]))
  const store = openImageStore({
    registry,
    content,
    snapshots,
    onDamaged: (id, error) => logger.warn(`Image ${id.slice(0, 12)} cannot be read: ${messageOf(error)}`),
  })
  closer.add(() => store.close())
  const leases = new Leases({ store: liveStore, owners, owner, logger })
  const collect = (how: CollectGarbageOptions): Promise<GarbageReport> => collectGarbage({ content, snapshots, registry, leases }, how)
  const background = new BackgroundCollection((signal) => collect({ signal, measure: false }), logger)
  closer.add(() => background.close())
  const services: ImagesServices = {
    store,
    leases,
    extractLayer,
    transports: options.transports,
    registries: options.registries,
    locks,
    logger,
    closer,
    probe,
    emit: options.emit,
    usersOf: (id) => registry.users(imageKind.kind, id),
    removeUsers: options.removeUsers,
    garbage: () => background.schedule(),
    // Node's builds for arm are all for its seventh version.
    platform: parsePlatform(hostArch() === 'arm' ? 'linux/arm/v7' : `linux/${hostArch()}`),
  }
  return {
    services,
    snapshots,
    reason,
    readFile: (layers, path, options) => readFile(layers, path, { ...options, opaqueXattr }),
    readyImage: (reference, how) => readyImage(services, reference, how),
    collectGarbage: (signal) => collect({ signal }),
    async recover() {
      try {
        await collect({ halfMadeOnly: true, measure: false })
      } catch (error) {
        logger.warn(`What engines that died were making was not taken away: ${messageOf(error)}`)
      }
      background.schedule()
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
