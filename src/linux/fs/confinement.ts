import { closeSync, constants, openSync } from 'node:fs'
import { libc } from '../native/libc.ts'
import { O_PATH } from './descriptor-path.ts'

/**
 * Makes a directory the root of this whole process for the time of one synchronous call, so that no path and no link can lead out of
 * it. For the helper process only. Whatever the call uses must be loaded before: what is loaded inside comes from the tree of a stranger.
 * For the same reason nothing else in the process may use a path asynchronously: a thread of the pool would look inside, too.
 */
export class Confinement {
  readonly #directory: number
  readonly #root: number
  readonly #cwd: number
  #inside = false

  constructor(directory: string) {
    const flags = O_PATH | constants.O_DIRECTORY
    const opened: number[] = []
    try {
      for (const path of [directory, '/', '.']) opened.push(openSync(path, flags))
    } catch (error) {
      for (const fd of opened) closeSync(fd)
      throw error
    }
    const [inner = -1, root = -1, cwd = -1] = opened
    this.#directory = inner
    this.#root = root
    this.#cwd = cwd
  }

  /** Runs `work` with the directory as `/` and as the working directory. */
  run<T>(work: () => T): T {
    this.#enter()
    try {
      return work()
    } finally {
      this.#leave()
    }
  }

  /** Called by what {@link run} runs: does something outside, then goes on inside. */
  outside<T>(work: () => T): T {
    this.#leave()
    try {
      return work()
    } finally {
      this.#enter()
    }
  }

  close(): void {
    for (const fd of [this.#directory, this.#root, this.#cwd]) closeSync(fd)
  }

  #enter(): void {
    if (this.#inside) return
    try {
      libc().fchdir(this.#directory)
      libc().chroot('.')
    } catch (error) {
      libc().fchdir(this.#cwd)
      throw error
    }
    this.#inside = true
  }

  #leave(): void {
    if (!this.#inside) return
    try {
      libc().fchdir(this.#root)
      libc().chroot('.')
      libc().fchdir(this.#cwd)
    } catch {
      // Nothing may ever run in here that was not meant to.
      process.kill(process.pid, 'SIGKILL')
    }
    this.#inside = false
  }
}
