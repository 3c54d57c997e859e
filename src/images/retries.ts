import { isLibpodError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { sleep } from '../base/time.ts'

const mostAttempts = 5
const firstPauseMs = 250
/** Whoever is told to wait longer is better told so, and comes back. */
const longestPauseMs = 60_000

/** What is done again when it failed for a reason that passes: a little later each time, and not for ever. */
export class Retries {
  readonly #logger: Logger
  readonly #signal: AbortSignal | undefined
  #attempt = 1

  constructor(logger: Logger, signal: AbortSignal | undefined) {
    this.#logger = logger
    this.#signal = signal
  }

  /** Something came of the last attempt: those before it do not count any more. */
  progressed(): void {
    this.#attempt = 1
  }

  /** Waits before the next attempt, or throws the error if there is none to be made. */
  async pauseOrThrow(error: unknown): Promise<void> {
    this.#signal?.throwIfAborted()
    if (!isLibpodError(error, 'registry') || error.details.retryable !== true || this.#attempt >= mostAttempts) throw error
    const { retryAfterMs = 0 } = error.details
    if (retryAfterMs > longestPauseMs) throw error
    const pauseMs = firstPauseMs * 2 ** (this.#attempt - 1) * (0.75 + Math.random() / 2)
    this.#attempt++
    this.#logger.debug(`Trying again, because ${error.message}`)
    await sleep(Math.max(retryAfterMs, pauseMs), { signal: this.#signal })
  }
}

/** Does something until it works, or fails for good. */
export async function withRetries<Result>(
  work: () => Promise<Result>,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal | undefined },
): Promise<Result> {
  const retries = new Retries(logger, signal)
  for (;;) {
    try {
      return await work()
    } catch (error) {
      await retries.pauseOrThrow(error)
    }
  }
}
