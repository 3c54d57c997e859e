import { setMaxListeners } from 'node:events'

/** What every verb's options extend. @public */
export interface AbortOptions {
  /** Aborts the verb: it rejects with `signal.reason` untouched and leaves nothing, or a listed, removable object. */
  readonly signal?: AbortSignal | undefined
}

/** Hears of the abort. One signal may be that of any number of verbs: Node takes more than ten listeners for a leak, and would warn of it. */
export function listenForAbort(signal: AbortSignal, listener: () => void): void {
  setMaxListeners(0, signal)
  signal.addEventListener('abort', listener, { once: true })
}

/** Waits for `promise` or for the abort, whichever comes first; the work itself goes on unless it listens to the signal too. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) {
    promise.catch(() => {})
    throw signal.reason
  }
  let onAbort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    listenForAbort(signal, onAbort)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    if (onAbort) signal.removeEventListener('abort', onAbort)
    promise.catch(() => {})
  }
}

/** Calls `listener` at the abort, at once if it already happened; the result takes it back. */
export function onAbort(signal: AbortSignal | undefined, listener: (reason: unknown) => void): () => void {
  if (signal === undefined) return () => {}
  const call = (): void => listener(signal.reason)
  if (signal.aborted) {
    call()
    return () => {}
  }
  listenForAbort(signal, call)
  return () => signal.removeEventListener('abort', call)
}
