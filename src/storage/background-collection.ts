import { isLibpodError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'

/** Images come and go in groups: collecting waits for the last of them. */
const delayMs = 1000
/** How long closing waits for a collection; what is left is for the next. */
const closeMs = 5000

/** Collects garbage some time after it was made, without keeping the process alive and without anybody waiting. */
export class BackgroundCollection {
  readonly #collect: (signal: AbortSignal) => Promise<unknown>
  readonly #logger: Logger
  readonly #ending = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(collect: (signal: AbortSignal) => Promise<unknown>, logger: Logger) {
    this.#collect = collect
    this.#logger = logger
  }

  /** There may be garbage. */
  schedule(): void {
    if (this.#ending.signal.aborted) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#run(), delayMs).unref()
  }

  /** Does at once what is still due: a program that removes an image and ends leaves nothing to others. */
  async close(): Promise<void> {
    const due = this.#timer !== undefined
    clearTimeout(this.#timer)
    if (due) this.#run()
    const deadline = setTimeout(() => this.#ending.abort(), closeMs)
    try {
      await this.#running
    } finally {
      clearTimeout(deadline)
      this.#ending.abort()
    }
  }

  #run(): void {
    this.#timer = undefined
    this.#running = this.#running.then(async () => {
      try {
        if (!this.#ending.signal.aborted) await this.#collect(this.#ending.signal)
      } catch (error) {
        if (this.#ending.signal.aborted || isLibpodError(error, 'closed')) return
        this.#logger.error(`Collecting garbage failed: ${error instanceof Error ? error.message : String(error)}`)
      }
    })
  }
}
