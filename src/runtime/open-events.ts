import { join } from 'node:path'
import type { Closer } from '../base/closer.ts'
import { isLibpodError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { EventBus } from '../events/bus.ts'
import { openDoorbell } from '../events/doorbell.ts'
import type { EngineEvent, EventDraft } from '../events/event.ts'
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
      bus.emit(await appended(log, draft, logger))
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

/**
 * What is told of has happened: a log that takes nothing more, on a full disk perhaps, does not make it undone. As with Podman that is
 * told to the logger only, and who listens in this process hears of the event all the same.
 */
async function appended(log: EventLog, draft: EventDraft, logger: Logger): Promise<EngineEvent> {
  try {
    return await log.append(draft)
  } catch (error) {
    if (isLibpodError(error, 'closed')) throw error
    logger.error(`The event ${draft.type} ${draft.action} of ${draft.name} is missing in the log: ${String(error)}`)
    const cursor = await log.end().catch(() => '')
    return { ...draft, time: draft.time ?? new Date().toISOString(), cursor } as EngineEvent
  }
}
