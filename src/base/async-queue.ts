/** A queue between a producer that must not wait and a consumer that iterates. Ending it ends the iteration after what is queued. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  #items: T[] = []
  #waiting: { resolve: (result: IteratorResult<T, undefined>) => void; reject: (error: unknown) => void }[] = []
  #state: { readonly error?: unknown; readonly failed: boolean } | undefined

  get size(): number {
    return this.#items.length
  }

  push(item: T): void {
    if (this.#state) return
    const waiter = this.#waiting.shift()
    if (waiter) waiter.resolve({ value: item, done: false })
    else this.#items.push(item)
  }

  /** No more items: the iteration ends normally, or with `error`. */
  end(...error: [] | [unknown]): void {
    if (this.#state) return
    this.#state = error.length === 0 ? { failed: false } : { failed: true, error: error[0] }
    for (const waiter of this.#waiting.splice(0)) {
      if (this.#state.failed) waiter.reject(this.#state.error)
      else waiter.resolve({ value: undefined, done: true })
    }
  }

  /** The next item; `done` after the end. */
  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#items.shift()
    if (item !== undefined) return Promise.resolve({ value: item, done: false })
    if (this.#state?.failed) return Promise.reject(this.#state.error)
    if (this.#state) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.next(),
      return: async () => {
        this.#items = []
        this.end()
        return { value: undefined, done: true }
      },
    }
  }
}
