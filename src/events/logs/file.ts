import { EventClock } from '../clock.ts'
import type { EngineEvent, EventDraft } from '../event.ts'
import type { EventLog } from '../event-log.ts'
import { logClosed } from './failures.ts'
import { SegmentWriter } from './segment-writer.ts'
import { formatCursor, listSegments, openSegment, parseCursor, readSegment, type SegmentPlace } from './segments.ts'

/** Where and how {@link createFileEventLog} writes. @public */
export interface FileEventLogOptions {
  /** The folder of the segments. It is made if it is not there. */
  readonly directory: string
  /** When a segment is full. The full one and the current one are kept, so the log takes about twice this. Default: 1 MiB. */
  readonly maxSizeBytes?: number
}

interface Waiting {
  readonly draft: EventDraft
  readonly resolve: (event: EngineEvent) => void
  readonly reject: (error: unknown) => void
}

/**
 * A log of JSON lines that any number of processes append to, each event whole. Events are not synced to disk: after a
 * power cut the last ones may be missing, and a line that was cut off is passed over.
 *
 * @public
 */
export function createFileEventLog({ directory, maxSizeBytes = 1 << 20 }: FileEventLogOptions): EventLog {
  return new FileEventLog(directory, maxSizeBytes)
}

class FileEventLog implements EventLog {
  readonly #directory: string
  readonly #writer: SegmentWriter
  readonly #clock = new EventClock()
  #waiting: Waiting[] = []
  #draining: Promise<void> | undefined
  #closed = false

  constructor(directory: string, maxSizeBytes: number) {
    this.#directory = directory
    this.#writer = new SegmentWriter(directory, maxSizeBytes)
  }

  append(draft: EventDraft): Promise<EngineEvent> {
    if (this.#closed) return Promise.reject(logClosed())
    return new Promise((resolve, reject) => {
      this.#waiting.push({ draft, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  async *read({ after }: { readonly after?: string | undefined } = {}): AsyncGenerator<EngineEvent, void> {
    if (this.#closed) throw logClosed()
    let place = await this.#begin(after)
    while (place) {
      const file = await openSegment(this.#directory, place.segment)
      // Looked for before the segment is read to its end: what was rotated by then has nothing more to come.
      const next = (await listSegments(this.#directory)).find((segment) => segment > (place?.segment ?? 0))
      try {
        if (file) yield* readSegment(file, place)
      } finally {
        await file?.close()
      }
      place = next === undefined ? undefined : { segment: next, offset: 0 }
    }
  }

  async end(): Promise<string> {
    if (this.#closed) throw logClosed()
    const segment = (await listSegments(this.#directory)).at(-1)
    if (segment === undefined) return formatCursor({ segment: 1, offset: 0 })
    const file = await openSegment(this.#directory, segment)
    // Rotated away in between.
    if (!file) return this.end()
    try {
      return formatCursor({ segment, offset: (await file.stat()).size })
    } finally {
      await file.close()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#draining
    await this.#writer.close()
  }

  /** Writes what waits, as much as has gathered in one go. */
  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0)
      const stamped = batch.map(({ draft }) => ({ ...draft, time: draft.time ?? this.#clock.now() }))
      try {
        const cursors = await this.#writer.write(stamped.map((event) => `${JSON.stringify(event)}\n`))
        for (const [at, event] of stamped.entries()) batch[at]?.resolve({ ...event, cursor: cursors[at] ?? '' } as EngineEvent)
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.#draining = undefined
  }

  /** Where reading begins: behind the cursor, or where the log begins if that place is forgotten. */
  async #begin(after: string | undefined): Promise<SegmentPlace | undefined> {
    const wanted = after === undefined ? undefined : parseCursor(after)
    const segments = await listSegments(this.#directory)
    const oldest = segments[0]
    if (oldest === undefined) return undefined
    return wanted && segments.includes(wanted.segment) ? wanted : { segment: oldest, offset: 0 }
  }
}
