import type { Json, StateStore, StateStoreTraits } from './state-store.ts'

/** What a conformance case works with. Every case gets a store of its own, empty at first. @public */
export interface StateStoreCaseContext {
  readonly traits: StateStoreTraits
  /** Opens the case's store: each time the same one. What is opened is closed by the case. */
  open(): Promise<StateStore>
  /** Starts another process that opens the same store and does a job of `stateStorePeerJobs`. Only with `traits.shared`. */
  spawnPeer(job: string, args: Json): Promise<StateStorePeer>
  /** 1 runs the long cases in full; a store that is slower by nature runs them with fewer rounds. */
  readonly scale: number
  /** How long the next writer may wait for one that was killed. */
  readonly takeoverMs: number
  /** Tells what was measured. */
  report(text: string): void
}

/** Another process at work on the same store. @public */
export interface StateStorePeer {
  readonly pid: number
  /** Resolves when it has opened the store and begins. */
  readonly started: Promise<void>
  /** What the job gave; rejects if it failed, or was killed. */
  readonly result: Promise<Json>
  /** Kills it at once, and resolves when it is gone. */
  kill(): Promise<void>
}

/** One conformance case of the contract {@link StateStore}. @public */
export interface StateStoreCase {
  readonly name: string
  /** The trait without which the case does not apply. */
  readonly requires?: keyof StateStoreTraits
  run(context: StateStoreCaseContext): Promise<void>
}
