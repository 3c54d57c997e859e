import type { AbortOptions } from '../base/abort.ts'

/**
 * Mutual exclusion between verbs, in this process and across processes.
 *
 * **The model.** A key names an object, as `container/81c…`. Whoever acquires it holds it alone until the release; if
 * the holder's process dies, the lock is free at once.
 *
 * **The rules.** Waiters of one process are served first come first served. Waiting never blocks the event loop nor a
 * thread of the pool. Keys are taken in one order, asserted in tests: pod → container (ids ascending) → network →
 * volume → blob. No lock is held over a callback of the host application or while waiting for a container.
 *
 * **An example.**
 * ```ts
 * const release = await locks.acquire('container/81c…', { signal })
 * try { … } finally { await release() }
 * ```
 *
 * @public
 */
export interface LockManager {
  /** Waits for the lock of `key`. `remove` in the release also removes what stands for the lock, because its object is gone. */
  acquire(key: string, options?: AcquireOptions): Promise<LockRelease>
  /** Lets go of what the manager itself keeps. Locks still held are released. */
  close(): Promise<void>
}

/** Options of {@link LockManager.acquire}. @public */
export interface AcquireOptions extends AbortOptions {
  /** Do not wait: reject with `conflict` when another holds it. */
  readonly wait?: boolean
  /** Locks the caller holds already, so that the order can be asserted. */
  readonly held?: readonly string[]
}

/** Gives a lock back. Idempotent. @public */
export type LockRelease = (options?: { readonly remove?: boolean }) => Promise<void>
