import { createRequire } from 'node:module'
import { join } from 'node:path'
import { sleep } from '../../base/time.ts'

/** The shortest time that proper-lockfile allows before a lock that nobody refreshes is taken over. */
const staleMs = 2000
/** Who has waited this long goes on without the lock; it only keeps writers out of each other's way. */
const maxWaitMs = 1000

/**
 * Loads proper-lockfile, which takes long enough to be noticed, when a store opens. Nothing else in this library may: it
 * adds listeners for signals and patches parts of node:fs and process.
 */
export function loadLockfile(): typeof import('proper-lockfile') {
  return createRequire(import.meta.url)('proper-lockfile') as typeof import('proper-lockfile')
}

/**
 * Takes turns with the writers of other processes. The result gives the turn back. The lock is a courtesy: what two
 * writers write at once is sorted out by the numbers of their lines. So a lock that a killed writer left behind, or that
 * was lost while this process slept, costs time and nothing else.
 */
export async function takeTurn(directory: string): Promise<{ readonly alone: boolean; end(): Promise<void> }> {
  const { lock } = loadLockfile()
  const deadline = performance.now() + maxWaitMs
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 20)) {
    let lost = false
    try {
      const release = await lock(join(directory, 'journal'), {
        realpath: false,
        stale: staleMs,
        onCompromised: () => {
          lost = true
        },
      })
      return { alone: true, end: async () => (lost ? undefined : release().catch(ignoreLost)) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error
      if (performance.now() > deadline) return { alone: false, end: async () => {} }
      await sleep(Math.random() * waitMs)
    }
  }
}

function ignoreLost(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ERELEASED' && error.code !== 'ENOTACQUIRED') throw error
}
