import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf, splitDigest } from '../base/digest.ts'
import { sleep } from '../base/time.ts'
import { LockFile } from './lock-file.ts'
import type { AcquireOptions, LockManager, LockRelease } from './lock-manager.ts'
import { assertLockOrder } from './order.ts'
import { KeyQueues, locksClosed, lockTaken } from './queue.ts'

/** How {@link createFlockManager} works. @public */
export interface FlockManagerOptions {
  /** Where the lock files lie: best under the run root, on tmpfs. It is made if it is not there. */
  readonly directory: string
}

/** The bounds of the back-off against other processes. */
const minWaitMs = 1
const maxWaitMs = 20
/** After so many turns in a row within this process, another process gets its chance. */
const maxTurns = 64

/**
 * Locks across processes: one file for each key, locked by flock(2), which the kernel frees when its holder dies. A
 * lock costs some 10 µs. Within a process waiters are served in order; between processes one waiter for each looks
 * again after 1 to 20 ms, so that nothing ever blocks a thread.
 *
 * @public
 */
export function createFlockManager({ directory }: FlockManagerOptions): LockManager {
  return new FlockManager(directory)
}

class FlockManager implements LockManager {
  readonly #directory: string
  readonly #queues = new KeyQueues()
  readonly #held = new Map<string, LockFile>()
  readonly #turns = new Map<string, number>()
  readonly #closing = new AbortController()
  #made: Promise<unknown> | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  async acquire(key: string, { signal, wait = true, held }: AcquireOptions = {}): Promise<LockRelease> {
    if (held) assertLockOrder(key, held)
    signal?.throwIfAborted()
    if (!wait && this.#queues.isBusy(key)) throw lockTaken(key)
    await this.#queues.enter(key, signal)
    try {
      await this.#lock(key, wait, signal)
    } catch (error) {
      this.#queues.leave(key)
      throw error
    }
    let released = false
    return async ({ remove = false } = {}) => {
      if (released) return
      released = true
      this.#release(key, remove)
    }
  }

  async close(): Promise<void> {
    this.#closing.abort(locksClosed())
    this.#queues.close()
    for (const key of [...this.#held.keys()]) this.#release(key, false)
  }

  async #lock(key: string, wait: boolean, signal: AbortSignal | undefined): Promise<void> {
    const path = join(this.#directory, fileNameOf(key))
    await this.#make()
    const closing = this.#closing.signal
    if (this.#turn(key) === 0) await sleep(maxWaitMs + 5, { signal: anyOf(signal, closing) })
    for (let waitMs = minWaitMs; ; waitMs = Math.min(waitMs * 2, maxWaitMs)) {
      closing.throwIfAborted()
      const file = LockFile.tryLock(path)
      if (file) {
        this.#held.set(key, file)
        return
      }
      if (!wait) throw lockTaken(key)
      await sleep(minWaitMs + Math.random() * (waitMs - minWaitMs), { signal: anyOf(signal, closing) })
    }
  }

  #make(): Promise<unknown> {
    this.#made ??= mkdir(this.#directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      this.#made = undefined
      throw error
    })
    return this.#made
  }

  #release(key: string, remove: boolean): void {
    const file = this.#held.get(key)
    // The close of the manager was faster.
    if (file === undefined) return
    this.#held.delete(key)
    if (!this.#queues.hasWaiters(key)) this.#turns.delete(key)
    try {
      file.unlock(remove)
    } finally {
      this.#queues.leave(key)
    }
  }

  /** Counts the turns of a key that others of this process wait for; 0 is the turn to stand back once. */
  #turn(key: string): number {
    const turn = this.#turns.get(key)
    const next = turn === undefined ? 1 : (turn + 1) % maxTurns
    if (this.#queues.hasWaiters(key) || turn !== undefined) this.#turns.set(key, next)
    return next
  }
}

function anyOf(signal: AbortSignal | undefined, closing: AbortSignal): AbortSignal {
  return signal === undefined ? closing : AbortSignal.any([signal, closing])
}

/** `container/81c…` → `container%2F81c….lock`; a key too long for a file name is hashed. */
function fileNameOf(key: string): string {
  const name = encodeURIComponent(key)
  return `${name.length <= 200 ? name : splitDigest(digestOf(key)).hex}.lock`
}
