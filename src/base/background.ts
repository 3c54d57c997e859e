/** When some work is done. */
export interface BackgroundOptions {
  /** Not before so many milliseconds have passed, unless somebody waits for all of it: what comes next has the machine for itself. */
  readonly afterMs?: number
}

/** Work that nobody waits for except the end of its owner. */
export class Background {
  readonly #running = new Set<Promise<void>>()
  readonly #pauses = new Set<() => void>()
  #ending = false

  /** Begins some work; `onError` hears of its failure. */
  run(work: () => Promise<void>, onError: (error: unknown) => void, { afterMs }: BackgroundOptions = {}): void {
    const running = (afterMs === undefined || this.#ending ? work() : this.#pause(afterMs).then(work))
      .catch(onError)
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Resolves when nothing is under way any more. From now on nothing waits any more, either. */
  async settled(): Promise<void> {
    this.#ending = true
    while (this.#running.size > 0) {
      for (const end of this.#pauses) end()
      await Promise.all(this.#running)
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#pauses.delete(end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      this.#pauses.add(end)
    })
  }
}
