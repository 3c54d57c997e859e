import type { AbortOptions } from '../base/abort.ts'
import type { LogEntry } from './entry.ts'

/**
 * The contract of what keeps a container's output.
 *
 * **The model.** The monitor writes; a driver tells it how (`monitorArgs`) and can read back what was written.
 *
 * **The rules.** `read` gives whole lines in the order they were written, joined from the pieces the monitor stored, each stream for
 * itself. With `follow` it goes on until `ended` resolves, and then still gives every line that was written. It never
 * polls, and it survives truncation and rotation of the file. A log that is not there yet is empty. `readRaw` chooses in the same
 * way, but gives the bytes as the container wrote them, newlines included. `remove` removes everything, and a missing log is no error.
 *
 * **An example.** `for await (const { stream, line } of driver.read(place, { tail: 10 })) …`.
 *
 * @public
 */
export interface LogDriver {
  /** `k8s-file`, `none`. Pinned in the record. */
  readonly name: string
  monitorArgs(place: LogPlace): readonly string[]
  read(place: LogPlace, options: LogReadOptions): AsyncIterable<LogEntry>
  readRaw(place: LogPlace, options: LogReadOptions): AsyncIterable<Buffer>
  remove(place: LogPlace): Promise<void>
}

/** Where a container's log lies. @public */
export interface LogPlace {
  readonly id: string
  readonly path: string
  readonly maxSizeBytes?: number
}

/** Options of {@link LogDriver.read}. @public */
export interface LogReadOptions extends AbortOptions {
  readonly follow?: boolean
  /** Begin with the last n lines; all if not given. */
  readonly tail?: number
  readonly since?: Date
  readonly until?: Date
  readonly streams?: readonly ('stdout' | 'stderr')[]
  /** Resolves when nobody writes any more; what is there then is still read. */
  readonly ended?: Promise<void>
}
