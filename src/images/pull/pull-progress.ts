import type { Digest } from '../../base/digest.ts'
import type { ImageLayer } from '../../storage/image-store.ts'
import type { ImageProgress, ProgressListener } from '../progress.ts'

/** How far a pull is. @public */
export interface PullImageProgress extends ImageProgress {
  /** `read`: bytes of the layers are coming in; `extract`: a layer's files are there; `done`: the image is listed. */
  readonly phase: ImageProgress['phase']
  /** Bytes of all layers so far, compressed; a layer that was there already counts whole. */
  readonly bytes: number
  /** Bytes of all layers; those that occur twice count once. */
  readonly totalBytes: number
  /** The layer that this is about. */
  readonly layer?: { readonly digest: Digest; readonly bytes: number; readonly totalBytes: number }
}

/** Adds up what comes of several layers. */
export class PullProgressTracker {
  readonly #listener: ProgressListener<PullImageProgress>
  readonly #sizes: ReadonlyMap<Digest, number>
  readonly #read = new Map<Digest, number>()
  readonly #totalBytes: number
  #bytes = 0
  #extracted = 0

  constructor(layers: readonly ImageLayer[], listener: ProgressListener<PullImageProgress>) {
    this.#listener = listener
    this.#sizes = new Map(layers.map(({ digest, sizeBytes }) => [digest, sizeBytes]))
    this.#totalBytes = [...this.#sizes.values()].reduce((total, size) => total + size, 0)
  }

  read(digest: Digest, bytes: number): void {
    this.#bytes += bytes - (this.#read.get(digest) ?? 0)
    this.#read.set(digest, bytes)
    this.#listener({
      phase: 'read',
      bytes: this.#bytes,
      totalBytes: this.#totalBytes,
      layer: { digest, bytes, totalBytes: this.#sizes.get(digest) ?? bytes },
    })
  }

  extracted({ digest, sizeBytes }: ImageLayer): void {
    this.#extracted = Math.min(this.#extracted + sizeBytes, this.#totalBytes)
    this.#listener({
      phase: 'extract',
      bytes: this.#extracted,
      totalBytes: this.#totalBytes,
      layer: { digest, bytes: sizeBytes, totalBytes: sizeBytes },
    })
  }

  done(): void {
    this.#listener({ phase: 'done', bytes: this.#totalBytes, totalBytes: this.#totalBytes })
  }
}
