import { P_PIDFD, WEXITED, WNOHANG } from '../native/constants.ts'
import { libc } from '../native/libc.ts'
import { signalName } from '../signals.ts'

/** How a process ended: one of both is not null. */
export interface ExitStatus {
  readonly code: number | null
  /** As `SIGKILL` or `SIGRTMIN+3`. */
  readonly signal: string | null
}

const CLD_EXITED = 1

/**
 * Takes the exit status of a child, by its pidfd: no other child, least of all one of Node's own, is ever touched. `undefined` while
 * it still runs.
 */
export function reap(pidfd: number): ExitStatus | undefined {
  const info = Buffer.alloc(128)
  libc().waitid(P_PIDFD, pidfd, info, WEXITED | WNOHANG)
  // siginfo_t: si_code at 8, si_pid at 16 (0: nothing happened yet), si_status at 24.
  if (info.readInt32LE(16) === 0) return undefined
  const status = info.readInt32LE(24)
  return info.readInt32LE(8) === CLD_EXITED ? { code: status, signal: null } : { code: null, signal: signalName(status) }
}
