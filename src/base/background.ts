/** When some work is done. */
export interface BackgroundOptions {
  /** Not before so many milliseconds have passed, unless somebody waits for all of it: what comes next has the machine for itself. */
  readonly afterMs?: number
}

/** Work that nobody waits for except the end of its owner. */
export class Background {
  readonly #running = new Set<Promise<void>>()
  readonly #pauses = new Set<() => void>()

  /** Begins some work; `onError` hears of its failure. */
  run(work: () => Promise<void>, onError: (error: unknown) => void, { afterMs }: BackgroundOptions = {}): void {
    const running = (afterMs === undefined ? work() : this.#pause(afterMs).then(work))
      .catch(onError)
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
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
