/** What ends with its engine. */
export class Ephemerals {
  readonly #tasks = new Set<() => Promise<void>>()

  /** Registers how to end it; the result takes it back. */
  add(end: () => Promise<void>): () => void {
    this.#tasks.add(end)
    return () => this.#tasks.delete(end)
  }

  /** Ends all, side by side. */
  async endAll(): Promise<void> {
    const results = await Promise.allSettled([...this.#tasks].map((end) => end()))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}
