import type { AcquireOptions, LockManager, LockRelease } from './lock-manager.ts'
import { assertLockOrder } from './order.ts'
import { KeyQueues, lockTaken } from './queue.ts'

/**
 * Locks within this process only: for tests, and for engines on a store that is not shared.
 *
 * @public
 */
export function createMemoryLockManager(): LockManager {
  const queues = new KeyQueues()
  return {
    async acquire(key: string, { signal, wait = true, held }: AcquireOptions = {}): Promise<LockRelease> {
      if (held) assertLockOrder(key, held)
      signal?.throwIfAborted()
      if (!wait && queues.isBusy(key)) throw lockTaken(key)
      await queues.enter(key, signal)
      let released = false
      return async () => {
        if (!released) queues.leave(key)
        released = true
      }
    },
    async close() {
      queues.close()
    },
  }
}
