import { longestDelayMs } from '../base/longest-delay.ts'

/**
 * Wakes those who wait for a container. A wake says only "look again": what happened is read from the store, so it
 * does not matter which engine did it, nor whether a wake comes twice.
 */
export class Changes {
  readonly #waiters = new Map<string, Set<() => void>>()

  /** This container changed. */
  notify(id: string): void {
    for (const wake of this.#waiters.get(id) ?? []) wake()
  }

  /** Any container may have changed: another engine rang. */
  notifyAll(): void {
    for (const id of [...this.#waiters.keys()]) this.notify(id)
  }

  /** Subscribe before reading, read, then wait for `changed`: nothing is missed in between. */
  subscribe(id: string): { changed(): Promise<void>; close(): void } {
    let pending = false
    // Whoever waits is a verb under way, and keeps the process alive; what it waits for does not.
    const alive = setInterval(() => {}, longestDelayMs)
    let resolve: (() => void) | undefined
    const wake = (): void => {
      pending = true
      resolve?.()
    }
    const waiters = this.#waiters.get(id) ?? new Set()
    this.#waiters.set(id, waiters.add(wake))
    return {
      async changed() {
        if (!pending) await new Promise<void>((done) => (resolve = done))
        pending = false
        resolve = undefined
      },
      close: () => {
        clearInterval(alive)
        waiters.delete(wake)
        if (waiters.size === 0 && this.#waiters.get(id) === waiters) this.#waiters.delete(id)
        wake()
      },
    }
  }
}
