import { listenForAbort } from '../base/abort.ts'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { longestDelayMs } from '../base/longest-delay.ts'
import { verbOptions } from '../base/schema.ts'
import { parseNanoseconds } from './clock.ts'
import { type EngineEvent, type EventType, eventTypes } from './event.ts'
import type { EventLog } from './event-log.ts'
import { checkEventFilters, type EventFilters, matchesFilters } from './filters.ts'

/** Which events to stream. @public */
export interface StreamEventsOptions {
  /** Resume behind this event's cursor. */
  readonly after?: string | undefined
  /** Only events at or after this time: a Date, or RFC 3339. Without `after` and `since` the stream begins now. */
  readonly since?: Date | string | undefined
  /** End at this time. In the past: read what there is and end. */
  readonly until?: Date | string | undefined
  readonly types?: readonly EventType[] | undefined
  readonly filters?: EventFilters | undefined
  /** Ends the iteration with `signal.reason`. */
  readonly signal?: AbortSignal | undefined
}

/** What a stream of events reads from. */
export interface EventSource {
  readonly log: EventLog
  /** Calls `listener` whenever there may be new events, in whatever process they came to be; the result takes it back. */
  readonly wake: (listener: () => void) => () => void
  /** Ends the stream normally, when the engine closes. */
  readonly ended?: AbortSignal | undefined
}

const checkOptions = verbOptions<StreamEventsOptions>((z) => {
  const time = z.union([z.date(), z.string()], 'must be a Date or a text').optional()
  return {
    after: z.string().optional(),
    since: time,
    until: time,
    types: z.array(z.enum(eventTypes)).optional(),
    filters: z.record(z.string(), z.union([z.string(), z.array(z.string())], 'must be a text or a list of texts').optional()).optional(),
  }
})

/** Events past and to come, in the order of the log: reads behind its cursor, waits to be woken, reads on. */
export async function* streamEvents(
  { log, wake, ended }: EventSource,
  options: StreamEventsOptions = {},
): AsyncGenerator<EngineEvent, void> {
  const wasOpen = ended?.aborted !== true
  await checkOptions(options)
  const { after, since, until, types, filters = {}, signal } = options
  signal?.throwIfAborted()
  checkEventFilters(filters)
  const from = since === undefined ? undefined : instant(since, 'since')
  const to = until === undefined ? undefined : instant(until, 'until') + (typeof until === 'string' ? 0n : wholeMillisecond)
  const waiter = new Waiter(to)
  const stops = [wake(() => waiter.wake()), listen(signal, () => waiter.wake()), listen(ended, () => waiter.wake())]
  try {
    let cursor = after ?? (from === undefined && !isPast(to) ? await log.end() : undefined)
    for (;;) {
      const last = isPast(to)
      for await (const event of log.read({ after: cursor })) {
        signal?.throwIfAborted()
        cursor = event.cursor
        const time = parseNanoseconds(event.time) ?? 0n
        // Clocks of processes may differ a little, so a late event does not end the stream; the time does.
        if ((from !== undefined && time < from) || (to !== undefined && time > to)) continue
        if (types !== undefined && !types.includes(event.type)) continue
        if (matchesFilters(event, filters)) yield event
        signal?.throwIfAborted()
      }
      if (last || ended?.aborted) return
      await waiter.wait()
      signal?.throwIfAborted()
    }
  } catch (error) {
    // The log may be closed while it is read, or before the first look at it.
    if (!(wasOpen && ended?.aborted && isLibpodError(error, 'closed'))) throw error
  } finally {
    for (const stop of stops) stop()
    waiter.close()
  }
}

/** A Date ends with its millisecond, so that an event of this moment is not behind `new Date()`. */
const wholeMillisecond = 999_999n

/** Waits for a wake, of which none is lost, or for the end of the time. */
class Waiter {
  #woken = false
  #resolve: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #until: bigint | undefined

  constructor(until: bigint | undefined) {
    this.#until = until
  }

  wake(): void {
    this.#woken = true
    this.#resolve?.()
  }

  async wait(): Promise<void> {
    this.#arm()
    if (!this.#woken) await new Promise<void>((resolve) => (this.#resolve = resolve))
    this.#woken = false
    this.#resolve = undefined
    // Who does not ask again keeps no process alive.
    clearTimeout(this.#timer)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const ms = this.#until === undefined ? longestDelayMs : Number((this.#until - wallNow()) / 1_000_000n) + 1
    // Also without an end: someone iterates, and that keeps the process alive.
    this.#timer = setTimeout(() => this.wake(), Math.min(Math.max(ms, 0), longestDelayMs))
  }
}

function listen(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal) listenForAbort(signal, listener)
  return () => signal?.removeEventListener('abort', listener)
}

function isPast(time: bigint | undefined): boolean {
  return time !== undefined && time <= wallNow()
}

function wallNow(): bigint {
  return BigInt(Date.now()) * 1_000_000n
}

function instant(time: Date | string, path: string): bigint {
  const nanoseconds =
    typeof time === 'string' ? parseNanoseconds(time) : Number.isNaN(time.getTime()) ? undefined : BigInt(time.getTime()) * 1_000_000n
  if (nanoseconds !== undefined) return nanoseconds
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${String(time)} is no time.`,
    { path, value: time },
    { hint: 'Give a Date, or RFC 3339.' },
  )
}
