import { abortable } from '../../base/abort.ts'
import type { Helper, HelperCallOptions } from './helper.ts'
import { closed, type HelperProcess } from './helper-process.ts'

/** A {@link Helper} that starts its process when it is needed. */
export interface LazyHelper extends Helper {
  /** Starts the process now, in the background; a failure is told to the next call. */
  warm(): void
}

/** Makes a helper whose process is started by `start` at the first call, and again after it was killed or ended. */
export function lazyHelper(start: () => Promise<HelperProcess>): LazyHelper {
  return new RestartingHelper(start)
}

class RestartingHelper implements LazyHelper {
  readonly #start: () => Promise<HelperProcess>
  #starting: Promise<HelperProcess> | undefined
  #process: HelperProcess | undefined
  #closing: Promise<void> | undefined

  constructor(start: () => Promise<HelperProcess>) {
    this.#start = start
  }

  get pid(): number {
    return this.#process?.usable ? this.#process.pid : 0
  }

  warm(): void {
    this.#running().catch(() => {})
  }

  async call<Result>(operation: string, params: unknown, options: HelperCallOptions = {}): Promise<Result> {
    let helper = await abortable(this.#running(), options.signal)
    // It may just have ended, or been closed.
    if (!helper.usable) helper = await abortable(this.#running(), options.signal)
    return helper.call<Result>(operation, params, options)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #running(): Promise<HelperProcess> {
    if (this.#closing !== undefined) return Promise.reject(closed())
    if (this.#starting !== undefined && (this.#process === undefined || this.#process.usable)) return this.#starting
    this.#process = undefined
    const starting = this.#start().then(
      (helper) => {
        this.#process = helper
        return helper
      },
      (error: unknown) => {
        this.#starting = undefined
        throw error
      },
    )
    this.#starting = starting
    return starting
  }

  async #close(): Promise<void> {
    const helper = await this.#starting?.catch(() => undefined)
    await helper?.close()
  }
}
