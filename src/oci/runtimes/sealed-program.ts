import { closeSync } from 'node:fs'
import { sealedCopy } from '../../linux/memfd.ts'

/**
 * A copy of a program in memory that nobody can change. crun copies itself like that at every call, lest a container overwrite it
 * through /proc; one that already runs from such a copy need not, and takes half the time.
 */
export class SealedProgram {
  readonly #path: string
  #fd: number | undefined
  #state: 'none' | 'copying' | 'ready' | 'refused' | 'closed' = 'none'

  constructor(path: string) {
    this.#path = path
  }

  /** A path of the copy that also other processes can execute while this one lives; `undefined` while there is none. The first call begins to make it. */
  path(): string | undefined {
    if (this.#state === 'none') void this.prepare()
    return this.#fd === undefined ? undefined : `/proc/${process.pid}/fd/${this.#fd}`
  }

  /** Makes the copy. A host that refuses such files goes on without. */
  async prepare(): Promise<void> {
    if (this.#state !== 'none') return
    this.#state = 'copying'
    try {
      const fd = await sealedCopy(this.#path)
      if ((this.#state as string) === 'closed') closeSync(fd)
      else {
        this.#fd = fd
        this.#state = 'ready'
      }
    } catch {
      this.#state = 'refused'
    }
  }

  close(): void {
    this.#state = 'closed'
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }
}
