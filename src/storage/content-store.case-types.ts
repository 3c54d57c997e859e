import type { Json } from '../state/state-store.ts'
import type { ContentStore } from './content-store.ts'

/** What a conformance case works with. Every case gets a store of its own, empty at first. @public */
export interface ContentStoreCaseContext {
  /** Opens the case's store: each time the same one. */
  open(): Promise<ContentStore>
  /** Starts another process that opens the same store and does a job of `contentStorePeerJobs`; it is killed after the case. */
  spawnPeer(job: string, input: Json): Promise<ContentStorePeer>
  /** Opens a store on a file system of its own, with room for 2 to 4 MiB. Only for the requirement `small`. */
  openSmall?(): Promise<ContentStore>
  /** Tells what was measured. */
  report(text: string): void
}

/** Another process at work on the same store. @public */
export interface ContentStorePeer {
  readonly pid: number
  /** Resolves when it has opened the store and begins. */
  readonly started: Promise<void>
  /** What the job gave; rejects if it failed, or was killed. */
  readonly result: Promise<Json>
  /** Kills it at once, and resolves when it is gone. */
  kill(): Promise<void>
}

/** One conformance case of the contract {@link ContentStore}. @public */
export interface ContentStoreCase {
  readonly name: string
  /** What the context must have for the case to apply. */
  readonly requires?: 'small'
  run(context: ContentStoreCaseContext): Promise<void>
}
