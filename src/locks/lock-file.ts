import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs'
import { tryFlock } from '../linux/flock.ts'

/** A file that is locked as long as this is not unlocked. All calls take microseconds, so they are made at once. */
export class LockFile {
  readonly #path: string
  readonly #fd: number

  private constructor(path: string, fd: number) {
    this.#path = path
    this.#fd = fd
  }

  /** Locks the file, making it if need be; `undefined` if another holds it. */
  static tryLock(path: string): LockFile | undefined {
    for (;;) {
      const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
      let locked = false
      try {
        if (!tryFlock(fd, 'exclusive')) return undefined
        // Between open and lock the last holder may have removed the file: then this lock is of nothing, and others get another.
        locked = fstatSync(fd).nlink > 0
        if (locked) return new LockFile(path, fd)
      } finally {
        if (!locked) closeSync(fd)
      }
    }
  }

  /** Gives the lock back; with `remove`, the file goes first, while it is still locked. */
  unlock(remove: boolean): void {
    try {
      if (remove) unlinkSync(this.#path)
    } finally {
      closeSync(this.#fd)
    }
  }
}
