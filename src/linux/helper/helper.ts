import type { AbortOptions } from '../../base/abort.ts'

/**
 * The channel to a helper process (docs/architecture.md tells why there is one). Calls are small JSON messages; what a
 * call does belongs to the rooms that register their operations in the helper's program.
 */
export interface Helper {
  /** The helper's pid; 0 while none runs. */
  readonly pid: number
  /**
   * Runs one operation. An abort or a deadline first asks the operation to end by its context's `signal`; one that does not look at it, or
   * hangs, is killed with the whole helper (a fifo or a bomb can hang it, never the host), and the next call starts another. An operation
   * that succeeds in spite of the abort gives its result, so that nothing it made is lost.
   */
  call<Result>(operation: string, params: unknown, options?: HelperCallOptions): Promise<Result>
  /** Ends the helper, with what it still does. Idempotent; calls reject with `closed` from now on. */
  close(): Promise<void>
}

/** Options of {@link Helper.call}. */
export interface HelperCallOptions extends AbortOptions {
  /** Kill the helper when the operation takes longer. */
  readonly deadlineMs?: number
  /** Called for each message the operation sends on its way. */
  readonly onMessage?: (message: unknown) => void
  /** Messages to the running operation, such as how far a growing file has been written. */
  readonly messages?: AsyncIterable<unknown>
  /** Descriptors of this process that the operation gets copies of. They stay open here. */
  readonly descriptors?: readonly number[]
}

/** One operation as the helper's program runs it. */
export type HelperOperation = (params: unknown, context: HelperContext) => unknown

/** What an operation is handed besides its parameters. */
export interface HelperContext {
  /** Sends a message to the caller's `onMessage`. */
  send(message: unknown): void
  /** The caller's `messages`. */
  readonly messages: AsyncIterable<unknown>
  /** Copies of the caller's `descriptors`, in their order. The operation owns them. */
  readonly descriptors: readonly number[]
  /** Aborted when the caller gives up. An operation that reads this promises to clean up and end soon: it is given some seconds. */
  readonly signal: AbortSignal
}
