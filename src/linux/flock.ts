import { LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN } from './native/constants.ts'
import { libc } from './native/libc.ts'

/** How {@link tryFlock} locks: alone, or together with others that also only want to be shared. */
export type FlockMode = 'exclusive' | 'shared'

/**
 * Locks the open file behind a descriptor by flock(2); `false` when another has it. The kernel unlocks when the last descriptor of
 * this open file is closed, also by the end of the process. Takes half a microsecond and never waits.
 */
export function tryFlock(fd: number, mode: FlockMode): boolean {
  return libc().flock(fd, (mode === 'exclusive' ? LOCK_EX : LOCK_SH) | LOCK_NB)
}

/** Gives the lock back. */
export function unlock(fd: number): void {
  libc().flock(fd, LOCK_UN)
}
