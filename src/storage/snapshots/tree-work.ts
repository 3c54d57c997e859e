import type { AbortOptions } from '../../base/abort.ts'

/** What a snapshotter has others do: it takes long, or works on trees made by strangers. In an engine the helper process does it. */
export interface TreeWork {
  /** Removes a tree, whatever is in it. */
  remove(path: string): Promise<void>
  /** Adds up a tree. */
  usage(path: string, options?: AbortOptions): Promise<{ readonly sizeBytes: number; readonly inodes: number }>
  /** Copies a tree, with everything that belongs to its files, into a directory that is there and empty. */
  copy(from: string, to: string, options?: AbortOptions): Promise<void>
  /** Writes to the disk what its file system still has in memory. */
  sync(path: string): Promise<void>
  /** Tries whether overlay works for a directory. */
  probeOverlay(directory: string): Promise<OverlayProbe>
}

/** Whether, and how, overlay works. */
export type OverlayProbe = { readonly works: true; readonly userxattr: boolean } | { readonly works: false; readonly reason: string }
