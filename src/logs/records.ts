/** A record of a log file, and where it lies. */
export interface LogRecord {
  /** Without its newline. Valid until the next record is asked for, unless it is copied. */
  readonly bytes: Buffer
  readonly offset: number
}

const newline = 0x0a

/** A record that is longer than this is no record of ours: its beginning is dropped. The monitor writes 8 KiB of content at a time. */
export const maxRecordBytes = 4 * 1024 * 1024

/** Cuts a file's bytes, as they are read, into records. */
export class RecordSplitter {
  #rest: Buffer = Buffer.alloc(0)
  #offset: number

  constructor(offset = 0) {
    this.#offset = offset
  }

  /** Begins anew at `offset`, forgetting an unfinished record. */
  reset(offset: number): void {
    this.#rest = Buffer.alloc(0)
    this.#offset = offset
  }

  /** The records that are complete with this chunk. What is left over is copied: the chunk's memory may be used again. */
  *push(chunk: Buffer): Generator<LogRecord> {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let from = 0
    for (let at = data.indexOf(newline); at >= 0; at = data.indexOf(newline, from)) {
      if (at > from) yield { bytes: data.subarray(from, at), offset: this.#offset + from }
      from = at + 1
    }
    const kept = data.length - from > maxRecordBytes ? data.length : from
    this.#rest = Buffer.from(data.subarray(kept))
    this.#offset += kept
  }
}
