import { EventClock } from '../clock.ts'
import type { EventLog } from '../event-log.ts'

/** A log that keeps nothing: its events still get their times. @public */
export function createNoEventLog(): EventLog {
  const clock = new EventClock()
  return {
    append: async (draft) => ({ ...draft, time: draft.time ?? clock.now(), cursor: '' }),
    async *read() {},
    end: async () => '',
    async close() {},
  }
}
