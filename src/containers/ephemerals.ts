/** What ends with its engine. */
export class Ephemerals {
  readonly #tasks = new Set<() => Promise<void>>()
  #over = false

  /** Registers how to end it; the result takes it back. What comes too late is ended at once. */
  add(end: () => Promise<void>): () => void {
    if (this.#over) {
      void end().catch(() => {})
      return () => {}
    }
    this.#tasks.add(end)
    return () => this.#tasks.delete(end)
  }

  /** Ends all, side by side, and then what came meanwhile. */
  async endAll(): Promise<void> {
    const results: PromiseSettledResult<void>[] = []
    while (this.#tasks.size > 0) {
      const tasks = [...this.#tasks]
      this.#tasks.clear()
      results.push(...(await Promise.allSettled(tasks.map((end) => end()))))
    }
    this.#over = true
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}
