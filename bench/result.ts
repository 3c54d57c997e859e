/** What is asked of a row: an absolute time, or a share of the limit's time in the same run. */
export type Goal = { readonly atMostMs: number } | { readonly atMost: number; readonly of: string }

/** One line of the table: what was measured, against what, and what was hoped for. Times are in milliseconds. */
export interface Result {
  /** The row it belongs to, as `--only` names it. */
  readonly row: string
  readonly what: string
  readonly ours: readonly number[]
  /** What others take for the same, interleaved with ours: the floor or the bare runtime, and Podman. */
  readonly others: Readonly<Record<string, readonly number[]>>
  readonly goal?: Goal
  /** The longest time that the host's event loop stood still in each of some runs, less an idle run's. */
  readonly loop?: readonly number[]
  /** What a reader should know about this line. */
  readonly note?: string
}
