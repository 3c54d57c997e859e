import { listenForAbort } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'

interface Waiter {
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/** Who of this process is next at which key: first come, first served. */
export class KeyQueues {
  readonly #queues = new Map<string, Waiter[]>()
  #closed = false

  /** Whether somebody of this process holds the key, or is about to. */
  isBusy(key: string): boolean {
    return this.#queues.has(key)
  }

  /** Whether somebody waits behind the one whose turn it is. */
  hasWaiters(key: string): boolean {
    return (this.#queues.get(key)?.length ?? 0) > 0
  }

  /** Waits for this caller's turn, which it ends with `leave`. */
  async enter(key: string, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#closed) throw locksClosed()
    const queue = this.#queues.get(key)
    if (queue === undefined) {
      this.#queues.set(key, [])
      return
    }
    let aborted: (() => void) | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        const waiter = { resolve, reject }
        queue.push(waiter)
        aborted = () => {
          const at = queue.indexOf(waiter)
          // The turn may just have come: then the abort is too late.
          if (at < 0) return
          queue.splice(at, 1)
          reject(signal?.reason)
        }
        if (signal) listenForAbort(signal, aborted)
      })
    } finally {
      if (aborted) signal?.removeEventListener('abort', aborted)
    }
  }

  /** Passes the turn on. */
  leave(key: string): void {
    const queue = this.#queues.get(key)
    const next = queue?.shift()
    if (next) next.resolve()
    else this.#queues.delete(key)
  }

  /** Nobody's turn comes any more. */
  close(): void {
    this.#closed = true
    for (const queue of this.#queues.values()) for (const waiter of queue.splice(0)) waiter.reject(locksClosed())
  }
}

export function locksClosed(): LibpodError<'closed'> {
  return new LibpodError('closed', 'The lock manager is closed.', { what: 'lock manager' }, { hint: 'Open a new runtime.' })
}

export function lockTaken(key: string): LibpodError<'conflict'> {
  return new LibpodError(
    'conflict',
    `Somebody else is working on ${key}.`,
    { what: key },
    { hint: 'Try again in a moment, or wait for it.' },
  )
}
