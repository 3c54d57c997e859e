import type { Digest } from '../base/digest.ts'
import type { ImageLayer } from '../storage/image-store.ts'

/** An image as lists show it. @public */
export interface ImageSummary {
  /** 64 hex digits: the digest of the configuration. */
  readonly id: string
  /** Full names with tag; none in a dangling image. */
  readonly names: readonly string[]
  /** The digest of the manifest. */
  readonly digest: Digest
  /** `name@digest`, for each repository it is known in. */
  readonly repoDigests: readonly string[]
  /** When the image was made, as its maker says: RFC 3339. */
  readonly createdAt: string
  /** Bytes of its layers as extracted; layers shared with other images count in full. */
  readonly sizeBytes: number
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string }
  readonly labels: Readonly<Record<string, string>>
}

/** All there is to know about an image: {@link Image.inspect}. @public */
export interface ImageInspect extends ImageSummary {
  /** The media type of the manifest. */
  readonly mediaType: string
  /** The digest of the manifest's configuration: `sha256:` and the id. */
  readonly configDigest: Digest
  readonly author: string
  /** The comment of the newest entry of the history. */
  readonly comment: string
  readonly annotations: Readonly<Record<string, string>>
  /** How it is run. */
  readonly config: ImageInspectConfig
  /** Its layers, the lowest first. */
  readonly layers: readonly ImageLayer[]
  /** What made it, the newest first. */
  readonly history: readonly ImageHistoryEntry[]
  /** The driver that keeps the extracted layers. */
  readonly snapshotter: string
  /** Containers that use it. */
  readonly users: readonly string[]
}

/** How an image is run. @public */
export interface ImageInspectConfig {
  readonly user: string
  readonly env: readonly string[]
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  readonly workdir: string
  readonly stopSignal: string
  readonly volumes: readonly string[]
  readonly exposedPorts: readonly string[]
  readonly onBuild: readonly string[]
}

/** One step of an image's making: {@link Image.history}. @public */
export interface ImageHistoryEntry {
  /** When, RFC 3339; empty if the image does not say. */
  readonly createdAt: string
  /** The command that did it. */
  readonly createdBy: string
  readonly comment: string
  /** The layer it made; absent if it changed only the configuration. */
  readonly layer?: ImageLayer
  /** Bytes of that layer as extracted; 0 without one, and for a layer that is not extracted on this host. */
  readonly sizeBytes: number
}
