import { EventClock } from '../clock.ts'
import type { EngineEvent } from '../event.ts'
import type { EventLog } from '../event-log.ts'
import { badCursor, logClosed } from './failures.ts'

/** A log in the memory of this process that keeps the newest `maxEvents` (10,000 if not given). @public */
export function createMemoryEventLog({ maxEvents = 10_000 }: { readonly maxEvents?: number } = {}): EventLog {
  const clock = new EventClock()
  const events: EngineEvent[] = []
  let forgotten = 0
  let closed = false
  const check = (): void => {
    if (closed) throw logClosed()
  }
  const positionOf = (cursor: string): number => {
    if (!/^\d+$/.test(cursor)) throw badCursor(cursor)
    return Number(cursor)
  }
  return {
    async append(draft) {
      check()
      const event: EngineEvent = { ...draft, time: draft.time ?? clock.now(), cursor: String(forgotten + events.length + 1) }
      events.push(event)
      if (events.length > maxEvents) {
        events.shift()
        forgotten++
      }
      return event
    },
    async *read({ after } = {}) {
      check()
      let position = after === undefined ? 0 : positionOf(after)
      const end = forgotten + events.length
      while (position < end) {
        position = Math.max(position, forgotten)
        const event = events[position - forgotten]
        if (event === undefined) return
        yield event
        position++
      }
    },
    async end() {
      check()
      return String(forgotten + events.length)
    },
    async close() {
      closed = true
    },
  }
}
