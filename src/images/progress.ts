import type { Logger } from '../base/logger.ts'

/** How far an import or a load is. @public */
export interface ImageProgress {
  /** `read`: bytes of the source are being stored; `extract`: a layer's files are being written; `done`: the image is listed. */
  readonly phase: 'read' | 'extract' | 'done'
  /** Bytes so far, of this phase; in `extract` those of the layers that are done, as stored. */
  readonly bytes: number
  /** Bytes in all, where that is known. */
  readonly totalBytes?: number
}

/** A callback of the host's that may throw without harm. */
export type ProgressListener<Progress = ImageProgress> = (progress: Progress) => void

/** Guards the engine from a listener that throws: it is told once, and not called again. */
export function guardProgress<Progress>(listener: ProgressListener<Progress> | undefined, logger: Logger): ProgressListener<Progress> {
  let active = listener
  return (progress) => {
    try {
      active?.(progress)
    } catch (error) {
      active = undefined
      logger.error(`The onProgress callback threw and is not called any more: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
}
