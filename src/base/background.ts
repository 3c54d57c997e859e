/** Work that nobody waits for except the end of its owner. */
export class Background {
  readonly #running = new Set<Promise<void>>()

  /** Begins some work; `onError` hears of its failure. */
  run(work: () => Promise<void>, onError: (error: unknown) => void): void {
    const running = work()
      .catch(onError)
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
