import { constants } from 'node:fs'
import { open, stat, statfs, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { crypto } from '../../base/crypto.ts'
import { isErrno } from '../../linux/errno.ts'

/** What a removal needs for its copies of pages: 16 KiB for 7 keys in a store of 64 MiB, 96 KiB for 30 keys. */
const reserveBytes = 256 << 10
/** Where less than this would be left, it is not made: others need the space more. */
const leastFreeBytes = 1 << 20

/**
 * Some space that is kept for removing. lmdb never writes over a page in use, so that even a commit that only deletes
 * may need fresh ones: on a full disk nobody could remove anything. The file beside the store, `<path>.reserve`, holds
 * their place, and whoever is refused for want of space gives it up. Several processes share it.
 */
export class LmdbReserve {
  readonly #path: string
  #isThere = false
  #making: Promise<void> | undefined

  constructor(storePath: string) {
    this.#path = `${storePath}.reserve`
  }

  /** Makes it if it is missing and there is room, in the background. It never fails: the next commit tries again. */
  prepare(): void {
    if (this.#isThere) return
    this.#making ??= this.#make()
      .catch(() => {})
      .finally(() => {
        this.#making = undefined
      })
  }

  /** Gives its space to whoever writes next. One that another process has just given up is no error. */
  async drop(): Promise<void> {
    await this.settle()
    this.#isThere = false
    await unlink(this.#path).catch(() => {})
  }

  /** Resolves when nothing is being made any more. */
  async settle(): Promise<void> {
    await this.#making
  }

  async #make(): Promise<void> {
    // One that was cut off, by a kill or a power cut, is filled up.
    const size = await sizeOf(this.#path)
    if (size < reserveBytes) {
      const { bavail, bsize } = await statfs(dirname(this.#path))
      if (bavail * bsize < leastFreeBytes + reserveBytes - size) return
      await this.#fill(size)
    }
    this.#isThere = true
  }

  async #fill(from: number): Promise<void> {
    const file = await open(this.#path, constants.O_WRONLY | constants.O_CREAT, 0o600)
    try {
      // No file system makes random bytes smaller. Another process may be writing to the same place: that is as good.
      await file.write(await promisify(crypto().randomBytes)(reserveBytes - from), 0, reserveBytes - from, from)
    } finally {
      await file.close()
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 0
    throw error
  }
}
