import { closeSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { sleep } from '../base/time.ts'
import { isErrno } from '../linux/errno.ts'
import { type DirectoryWatcher, type WatchOptions, watchDirectory } from '../linux/inotify.ts'
import { openPidfd } from '../linux/pidfd.ts'
import { readProcessStat } from '../linux/proc.ts'

/** The file in which a running runtime tells the pid of the program that it has started. */
export class PidFile {
  readonly #path: string
  readonly #runtimePid: number
  readonly #ended: Promise<unknown>

  constructor(path: string, runtime: { readonly pid: number; readonly exited: Promise<unknown> }) {
    this.#path = path
    this.#runtimePid = runtime.pid
    this.#ended = runtime.exited.catch(() => {})
  }

  /** The program's pid, once it is written; `undefined` when the runtime ended first, or after `patienceMs`. */
  async pid(patienceMs?: number): Promise<number | undefined> {
    const written = this.#read()
    if (written !== undefined) return written
    return this.#wait(patienceMs)
  }

  /** A descriptor of the program, if it still runs. */
  async open(patienceMs?: number): Promise<number | undefined> {
    const pid = await this.pid(patienceMs)
    if (pid === undefined) return undefined
    const fd = openPidfd(pid)
    if (fd === undefined) return undefined
    // Until its runtime has waited for it, the pid is the program's and nobody else's.
    if ((await readProcessStat(pid))?.ppid === this.#runtimePid) return fd
    closeSync(fd)
    return undefined
  }

  async #wait(patienceMs: number | undefined): Promise<number | undefined> {
    const done = new AbortController()
    let changed = (): void => {}
    const name = basename(this.#path)
    const watcher = watchIfThere(dirname(this.#path), {
      events: ['close_write', 'moved_to'],
      onEvent: (event) => {
        if (event.name === name) changed()
      },
      onOverflow: () => changed(),
    })
    if (watcher === undefined) return undefined
    const over = Promise.race([
      this.#ended,
      ...(patienceMs === undefined ? [] : [sleep(patienceMs, { signal: done.signal }).catch(() => {})]),
    ]).then(() => 'over' as const)
    try {
      for (;;) {
        const change = new Promise<void>((resolve) => {
          changed = resolve
        })
        const pid = this.#read()
        if (pid !== undefined) return pid
        if ((await Promise.race([change, over])) === 'over') return this.#read()
      }
    } finally {
      done.abort()
      watcher.close()
    }
  }

  /**
   * A file that is just being written holds no whole number yet: runtimes write it at once, or rename it. It lies on tmpfs, and is read
   * sooner than a thread of the pool is there to do it.
   */
  #read(): number | undefined {
    try {
      const text = readFileSync(this.#path, 'latin1')
      return /^\d+\s*$/.test(text) ? Number(text) : undefined
    } catch {
      return undefined
    }
  }
}

/** The folder goes with its container: then nobody writes a pid there any more. */
function watchIfThere(directory: string, options: WatchOptions): DirectoryWatcher | undefined {
  try {
    return watchDirectory(directory, options)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
