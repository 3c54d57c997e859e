import type { Digest } from '../../base/digest.ts'
import type { ExtractTarget } from '../snapshotter.ts'

/** A layer's bytes and where their files go. */
export interface LayerToExtract {
  readonly path: string
  readonly mediaType: string
  readonly target: ExtractTarget
  /** Given while the file still grows: how many bytes are there so far; it ends when all are. */
  readonly growing?: AsyncIterable<number>
  /** What the uncompressed bytes must have, where it is known. */
  readonly diffId?: Digest
}

/** What came out of an extraction. */
export interface ExtractedLayer {
  /** The digest of the uncompressed bytes. */
  readonly diffId: Digest
  /** Bytes of file content. */
  readonly sizeBytes: number
  /** What could not be done and did no harm, such as a device node without the right to make one. */
  readonly warnings: readonly string[]
}
