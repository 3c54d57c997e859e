import { createRequire } from 'node:module'
import type { EventEmitter } from 'eventemitter3'
import { AsyncQueue } from '../base/async-queue.ts'
import { LibpodError } from '../base/errors.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { type EngineEvent, type EventType, eventTypes } from './event.ts'

/** What listens to events of one type. @public */
export type EventListener<Type extends EventType = EventType> = (event: Extract<EngineEvent, { type: Type }>) => unknown

interface Emitted {
  event: [EngineEvent]
}

/**
 * Hands the events of this engine to who listens in this process. A listener belongs to the host application: what it
 * throws goes to the logger, and neither the engine nor the other listeners notice.
 */
export class EventBus {
  readonly #emitter: EventEmitter<Emitted>
  readonly #logger: Logger
  readonly #queues = new Set<AsyncQueue<EngineEvent>>()
  readonly #listeners = new Map<EventType, Map<unknown, (event: EngineEvent) => void>>()

  constructor({ logger = silentLogger }: { readonly logger?: Logger } = {}) {
    const { EventEmitter } = createRequire(import.meta.url)('eventemitter3') as typeof import('eventemitter3')
    this.#emitter = new EventEmitter<Emitted>()
    this.#logger = logger
  }

  /** Calls `listener` for every event of the type; the result takes it back. Adding it twice is adding it once. */
  on<Type extends EventType>(type: Type, listener: EventListener<Type>): () => void {
    checkListener(type, listener)
    this.off(type, listener)
    const guarded = (event: EngineEvent): void => {
      if (event.type === type) this.#call(listener as (event: EngineEvent) => unknown, event)
    }
    const listeners = this.#listeners.get(type) ?? new Map<unknown, (event: EngineEvent) => void>()
    this.#listeners.set(type, listeners.set(listener, guarded))
    this.#emitter.on('event', guarded)
    return () => this.off(type, listener)
  }

  off<Type extends EventType>(type: Type, listener: EventListener<Type>): void {
    const guarded = this.#listeners.get(type)?.get(listener)
    if (guarded === undefined) return
    this.#listeners.get(type)?.delete(listener)
    this.#emitter.off('event', guarded)
  }

  /** Hands an event to every listener, and wakes every stream. */
  emit(event: EngineEvent): void {
    this.#emitter.emit('event', event)
    for (const queue of this.#queues) queue.push(event)
  }

  /** The events from now on. Ends normally when the bus closes. */
  async *stream(): AsyncGenerator<EngineEvent, void> {
    yield* this.#subscribe()
  }

  /** Calls `wake` at every event; what it reads then is its own business. The result takes it back. */
  onAny(wake: () => void): () => void {
    const call = (event: EngineEvent): void => this.#call(wake, event)
    this.#emitter.on('event', call)
    return () => this.#emitter.off('event', call)
  }

  close(): void {
    this.#emitter.removeAllListeners()
    this.#listeners.clear()
    for (const queue of this.#queues) queue.end()
    this.#queues.clear()
  }

  async *#subscribe(): AsyncGenerator<EngineEvent, void> {
    const queue = new AsyncQueue<EngineEvent>()
    this.#queues.add(queue)
    try {
      yield* queue
    } finally {
      this.#queues.delete(queue)
    }
  }

  #call(listener: (event: EngineEvent) => unknown, event: EngineEvent): void {
    const report = (error: unknown): void =>
      this.#logger.error(
        `A listener to ${event.type} events threw: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      )
    try {
      const result = listener(event)
      // A listener may be an async function; its rejection must not end the host's process.
      if (result instanceof Promise) result.catch(report)
    } catch (error) {
      report(error)
    }
  }
}

function checkListener(type: unknown, listener: unknown): void {
  const refuse = (path: string, value: unknown, what: string): never => {
    throw new LibpodError('invalid-argument', `${path}: must be ${what}.`, { path, value })
  }
  if (!(eventTypes as readonly unknown[]).includes(type)) refuse('type', type, `one of ${eventTypes.join(', ')}`)
  if (typeof listener !== 'function') refuse('listener', listener, 'a function')
}
