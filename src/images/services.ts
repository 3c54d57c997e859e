import type { AbortOptions } from '../base/abort.ts'
import type { Closer } from '../base/closer.ts'
import type { Digest } from '../base/digest.ts'
import type { Logger } from '../base/logger.ts'
import type { Probe } from '../base/steps.ts'
import type { RegistriesConf } from '../config/registries-conf.ts'
import type { EventDraft } from '../events/event.ts'
import type { LockManager } from '../locks/lock-manager.ts'
import type { ImageStore } from '../storage/image-store.ts'
import type { ExtractedLayer, LayerToExtract } from '../storage/layers/extraction.ts'

import type { Transport } from './transport.ts'

export type { ExtractedLayer, LayerToExtract } from '../storage/layers/extraction.ts'

/** What the verbs of images work with: handed down by the composition root, which alone knows the plug-ins. */
export interface ImagesServices {
  readonly store: ImageStore
  readonly leases: ImageLeases
  /** Extracts one layer, in the helper process. */
  extractLayer(layer: LayerToExtract, options?: AbortOptions): Promise<ExtractedLayer>
  /** Where images come from, by the transport's name. */
  readonly transports: ReadonlyMap<string, Transport>
  /** What the machine says about registries. */
  registries(): Promise<RegistriesConf>
  readonly locks: LockManager
  readonly logger: Logger
  readonly closer: Closer
  readonly probe: Probe | undefined
  emit(event: EventDraft): Promise<void>
  /** Who uses an image, as `container/<id>`. */
  usersOf(id: string): Promise<readonly string[]>
  /** Removes the users of an image, for a forced removal. Without it, force does not reach beyond the image's names. */
  removeUsers?(users: readonly string[], options: AbortOptions): Promise<void>
  /** Blobs and layers may have become garbage: whoever collects it may do so when it likes. */
  garbage(): void
  /** What images are made for and chosen by when nothing else is asked. */
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string }
}

/** What keeps half-made things from the collector. It goes with the process that holds it. */
export interface ImageLeases {
  /** Runs `work` under a new lease and gives the lease back, however the work ends. */
  with<Result>(work: (lease: ImageLease) => Promise<Result>): Promise<Result>
}

/** A lease. What it names is kept, whether it is there already or only comes. */
export interface ImageLease {
  /** Names more blobs and snapshots. They must be named before anybody looks whether they are there. */
  add(resources: { readonly digests?: readonly Digest[]; readonly snapshots?: readonly string[] }): Promise<void>
}
