import type { Digest } from '../base/digest.ts'
import type { ContentStore } from './content-store.ts'
import type { Snapshotter } from './snapshotter.ts'

/**
 * The contract of a store of images: their records, on top of blobs and snapshots.
 *
 * **The model.** An image is known by its id, the digest of its configuration; it has any number of names, each held by
 * one image at a time. Its manifest and original layer blobs lie in `content` (so that a push is byte-exact), its
 * extracted layers in `snapshots`, named by their chain ids.
 *
 * **The rules.** `put` is atomic and moves a name that another image held. An image with users (`image/<id>` in
 * somebody's links) is not removed: `remove` rejects with `in-use`. What an image refers to is kept from the collector
 * from the moment its record is there, and by a lease before that. A store shared with another engine (containers/storage)
 * is possible as another implementation: nothing above it looks at its files.
 *
 * **An example.** `await images.put({ id, names: ['localhost/mine:1'], … })`, then `await images.list()`.
 *
 * @public
 */
export interface ImageStore {
  readonly content: ContentStore
  readonly snapshots: Snapshotter
  /** The image with this id, or that holds this name. */
  get(by: { readonly id: string } | { readonly name: string }): Promise<ImageRecord | undefined>
  /** All images, in the order of their ids; a page at a time through `after`. */
  list(options?: { readonly after?: string; readonly limit?: number }): Promise<ImageRecord[]>
  /** Writes an image and its names. With `expect`, only if the record is still the one that was read. */
  put(record: ImageRecord, options?: { readonly expect?: string | 'absent' }): Promise<ImageRecord>
  /** Removes the record and its names. */
  remove(id: string, options?: { readonly expect?: string }): Promise<void>
  close(): Promise<void>
}

/** A stored image: plain data. @public */
export interface ImageRecord {
  /** 64 hex digits: the digest of the configuration. */
  readonly id: string
  /** Full names with tag, as `docker.io/library/alpine:3`. */
  readonly names: readonly string[]
  readonly manifest: { readonly digest: Digest; readonly mediaType: string; readonly sizeBytes: number }
  readonly config: { readonly digest: Digest; readonly mediaType: string; readonly sizeBytes: number }
  readonly layers: readonly ImageLayer[]
  /** The chain id of the topmost layer; absent in an image without layers. */
  readonly topChainId?: string
  /** Where the image came from, per name: the digests it was pulled by. */
  readonly repoDigests: readonly string[]
  readonly createdAt: string
  /** Sum of the layers as extracted. */
  readonly sizeBytes: number
  /** What a container starts with: the OCI image configuration's own `config` part. */
  readonly runConfig: ImageRunConfig
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string }
  readonly labels: Readonly<Record<string, string>>
  /** The version the record was read at; opaque. */
  readonly version?: string
}

/** A layer of an image. @public */
export interface ImageLayer {
  readonly digest: Digest
  readonly diffId: Digest
  readonly chainId: string
  readonly mediaType: string
  readonly sizeBytes: number
}

/** What an image says about running it. @public */
export interface ImageRunConfig {
  readonly user?: string
  readonly env?: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly workdir?: string
  readonly stopSignal?: string
  readonly volumes?: readonly string[]
  readonly exposedPorts?: readonly string[]
}
