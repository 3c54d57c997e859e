import { onAbort } from '../base/abort.ts'
import { watchDirectory } from '../linux/inotify.ts'

/** Tells when a file in a directory has changed, was made or replaced. A change between two looks is never lost. */
export class ChangeWatch {
  #changed = true
  #finished = false
  #aborted: { readonly reason: unknown } | undefined
  #wake: (() => void) | undefined
  #release: (() => void)[] = []

  static of(directory: string, name: string, signal: AbortSignal | undefined): ChangeWatch {
    const watch = new ChangeWatch()
    const watcher = watchDirectory(directory, {
      events: ['modify', 'create', 'moved_to'],
      onEvent: (event) => {
        if (event.name === name) watch.#notify()
      },
      onOverflow: () => watch.#notify(),
    })
    watcher.ref()
    watch.#release.push(() => watcher.close())
    watch.#release.push(
      onAbort(signal, (reason) => {
        watch.#aborted = { reason }
        watch.#notify()
      }),
    )
    return watch
  }

  /** Whether the last look is due. */
  get finished(): boolean {
    return this.#finished
  }

  /** Nothing will change any more. */
  finish(): void {
    this.#finished = true
    this.#notify()
  }

  /** Resolves at the next change, at once if there was one since the last call. Rejects with the signal's reason. */
  async next(): Promise<void> {
    while (!this.#changed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#changed = false
    if (this.#aborted) throw this.#aborted.reason
  }

  close(): void {
    for (const release of this.#release.splice(0)) release()
  }

  #notify(): void {
    this.#changed = true
    this.#wake?.()
    this.#wake = undefined
  }
}
