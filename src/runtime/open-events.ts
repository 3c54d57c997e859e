import { join } from 'node:path'
import type { Closer } from '../base/closer.ts'
import type { Logger } from '../base/logger.ts'
import { EventBus } from '../events/bus.ts'
import { openDoorbell } from '../events/doorbell.ts'
import type { EventDraft } from '../events/event.ts'
import type { EventLog } from '../events/event-log.ts'
import { createFileEventLog } from '../events/logs/file.ts'

/** How events of an engine come about and are heard. */
export interface OpenedEvents {
  readonly bus: EventBus
  readonly log: EventLog
  /** Logs an event, tells this engine's listeners, and wakes the other engines. */
  emit(event: EventDraft): Promise<void>
  /** Wakes all engines of the root. */
  ring(): void
  onRing(listener: () => void): () => void
  /** Calls the listener when there may be new events. */
  wake(listener: () => void): () => void
}

export async function openEvents({
  root,
  runRoot,
  logger,
  closer,
}: {
  readonly root: string
  readonly runRoot: string
  readonly logger: Logger
  readonly closer: Closer
}): Promise<OpenedEvents> {
  const bus = new EventBus({ logger })
  const log = createFileEventLog({ directory: join(root, 'events') })
  closer.add(() => log.close())
  const doorbell = openDoorbell(join(runRoot, 'doorbell'))
  closer.add(() => doorbell.close())
  closer.add(() => bus.close())
  return {
    bus,
    log,
    async emit(draft) {
      bus.emit(await log.append(draft))
      doorbell.ring()
    },
    ring: () => doorbell.ring(),
    onRing: (listener) => doorbell.onRing(listener),
    wake(listener) {
      const stops = [bus.onAny(listener), doorbell.onRing(listener)]
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
}
