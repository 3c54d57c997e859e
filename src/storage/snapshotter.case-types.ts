import type { Json } from '../state/state-store.ts'
import type { Snapshotter } from './snapshotter.ts'

/** What a conformance case works with. Every case gets a snapshotter of its own, empty at first. @public */
export interface SnapshotterCaseContext {
  /** An empty directory for the case's own use; mounts are made in it. */
  readonly directory: string
  /** Opens the case's snapshotter: each time the same one. */
  open(): Promise<Snapshotter>
  /** Starts another process that opens the same snapshotter and does a job of `snapshotterPeerJobs`; it is killed after the case. */
  spawnPeer(job: string, input: Json): Promise<SnapshotterPeer>
  /** How many files and directories all snapshots together take on the disk, after what goes in the background is gone. */
  countInodes(): Promise<number>
  /** Opens a snapshotter on a file system of its own, with room for 2 to 4 MiB. Only for the requirement `small`. */
  openSmall?(): Promise<Snapshotter>
  /** Tells what was measured. */
  report(text: string): void
}

/** Another process at work on the same snapshots. @public */
export interface SnapshotterPeer {
  readonly pid: number
  /** Resolves when it has opened the snapshotter and begins. */
  readonly started: Promise<void>
  /** What the job gave; rejects if it failed, or was killed. */
  readonly result: Promise<Json>
  /** Kills it at once, and resolves when it is gone. */
  kill(): Promise<void>
}

/** One conformance case of the contract {@link Snapshotter}. @public */
export interface SnapshotterCase {
  readonly name: string
  /** What the context must have for the case to apply; `mounting` is the right to mount. */
  readonly requires?: 'mounting' | 'small'
  run(context: SnapshotterCaseContext): Promise<void>
}
