import { isErrno } from './errno.ts'
import { libc } from './native/libc.ts'
import { processStartTimeSync } from './proc.ts'
import { reactor, type Watch } from './reactor.ts'

/** Watches a process that need not be a child of this one. */
export interface PidWatch {
  /** Resolves when the process has ended, at once if it had already; never when the watch is closed before. */
  readonly exited: Promise<void>
  /** Ends the watch. Idempotent. */
  close(): void
  /** Keeps this process alive until the other has ended: for a caller that waits. */
  ref(): void
  /** Does not keep this process alive, as it is from the beginning. */
  unref(): void
}

/** Opens a process: the descriptor means this very process, also after its pid is used again. `undefined` when there is none. */
export function openPidfd(pid: number): number | undefined {
  try {
    return libc().pidfd_open(pid)
  } catch (error) {
    // EINVAL: a number that no process can have, or (before Linux 6.9) one of a thread.
    if (isErrno(error, 'ESRCH', 'EINVAL')) return undefined
    throw error
  }
}

/** Sends a signal to the process behind a pidfd; `false` when it has ended. */
export function signalPidfd(fd: number, signal: number): boolean {
  try {
    libc().pidfd_send_signal(fd, signal)
    return true
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return false
    throw error
  }
}

/** Sends a signal to the process that had this pid and start time; `false` when it has ended. */
export function signalProcess(pid: number, startTime: string | undefined, signal: number): boolean {
  const fd = openSameProcess(pid, startTime)
  if (fd === undefined) return false
  try {
    return signalPidfd(fd, signal)
  } finally {
    libc().close(fd)
  }
}

/** Waits for the end of the process that had this pid and, if given, this start time. */
export function watchPid(pid: number, startTime?: string): PidWatch {
  const fd = openSameProcess(pid, startTime)
  if (fd === undefined) return { exited: Promise.resolve(), close() {}, ref() {}, unref() {} }
  let watch: Watch | undefined
  const close = (): void => {
    if (watch === undefined) return
    watch.close()
    watch = undefined
    libc().close(fd)
  }
  const exited = new Promise<void>((resolve, reject) => {
    try {
      watch = reactor().watch(fd, 'read', () => {
        close()
        resolve()
      })
      watch.unref()
    } catch (error) {
      libc().close(fd)
      reject(error)
    }
  })
  return { exited, close, ref: () => watch?.ref(), unref: () => watch?.unref() }
}

/** The start time is read after the process is open: what is open then cannot become another. */
function openSameProcess(pid: number, startTime: string | undefined): number | undefined {
  const fd = openPidfd(pid)
  if (fd === undefined || startTime === undefined || processStartTimeSync(pid) === startTime) return fd
  libc().close(fd)
  return undefined
}
