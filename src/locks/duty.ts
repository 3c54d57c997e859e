import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { sleep } from '../base/time.ts'
import { tryFlock } from '../linux/flock.ts'
import { type FileWatcher, watchFile } from '../linux/inotify.ts'

/** The kernel tells of the last close a moment before it frees the lock, so a wake is followed by several looks. */
const looksMs = [0, 1, 2, 4, 8, 16]
/** Without a wake, this is how long a freed duty may stay unnoticed. */
const maxWaitMs = 1000

/**
 * The right to serve a root, which one engine at a time has: an exclusive flock on one file that is never removed. Its
 * holder has the file open for writing, so that the end of the holder, however it comes, is a `close_write` to all who
 * contend. Shell programs may look with `flock -n`.
 */
export class DutyLock {
  readonly #path: string
  #fd: number | undefined
  #held = false

  /** With `heldFd` the duty is held already: a program was started with it. */
  constructor(path: string, heldFd?: number) {
    this.#path = path
    this.#fd = heldFd
    this.#held = heldFd !== undefined
  }

  get held(): boolean {
    return this.#held
  }

  /** Takes the duty if nobody has it. */
  tryTake(): boolean {
    if (this.#held) return true
    this.#fd ??= openSync(this.#path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
    this.#held = tryFlock(this.#fd, 'exclusive')
    // The folder was cleared away and made anew: what is locked now is not what others look at.
    if (this.#held && fstatSync(this.#fd).nlink === 0) {
      this.release()
      return this.tryTake()
    }
    return this.#held
  }

  /** Contends for the duty, and resolves when this has it. It does not keep the process alive. Rejects with the signal's reason. */
  async whenTaken(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.tryTake()) return
    let wake = new AbortController()
    const watcher = this.#watch(() => wake.abort())
    try {
      for (;;) {
        for (const ms of looksMs) {
          await sleep(ms, { signal, unref: true })
          if (this.tryTake()) return
        }
        await pause(AbortSignal.any(signal ? [wake.signal, signal] : [wake.signal]))
        signal?.throwIfAborted()
        wake = new AbortController()
      }
    } finally {
      watcher?.close()
      if (!this.#held) this.release()
    }
  }

  /** Gives the duty up; those who contend are woken. Idempotent. */
  release(): void {
    const fd = this.#fd
    this.#fd = undefined
    this.#held = false
    if (fd !== undefined) closeSync(fd)
  }

  /** Where the user has no watches left, looking once a second must do. */
  #watch(onEvent: () => void): FileWatcher | undefined {
    try {
      return watchFile(this.#path, { events: ['close_write'], onEvent, onOverflow: onEvent })
    } catch {
      return undefined
    }
  }
}

async function pause(woken: AbortSignal): Promise<void> {
  await sleep(maxWaitMs, { signal: woken, unref: true }).catch(() => {})
}
