import type { AbortOptions } from '../base/abort.ts'

/**
 * The contract of a store of file system snapshots.
 *
 * **The model.** A *committed* snapshot is an immutable directory tree, usually one image layer on top of its parent.
 * An *active* snapshot is a writable tree on top of a committed one (or of nothing): the root file system of a
 * container, or a layer being extracted. Snapshots are known by names of the caller's choice (a chain id, a container's id).
 *
 * **The rules.** 1. `prepare` makes an active snapshot; `commit` turns it into a committed one, atomically: a committed
 * snapshot is there whole or not at all. 2. Nothing is mounted here: `mounts` tells what to mount, the caller does it
 * where it wants it. 3. `remove` of a missing snapshot is no error; removing one with children, also one that is just being made, rejects with `in-use`;
 * a tree that is a mess (mounted elsewhere, deep, with odd modes) is removed all the same. 4. Only the collector and the owner remove.
 * 5. A process may die at any moment: half-made things are found by `list` (state `active`) and owned through leases.
 *
 * **An example.** Layer by layer an image becomes committed snapshots named by their chain ids; a container is
 * ```ts
 * await snapshots.prepare(container.id, { parent: chainId })
 * const mounts = await snapshots.mounts(container.id)     // [{ type: 'overlay', source: 'overlay', options: ['lowerdir=…', …] }]
 * ```
 *
 * @public
 */
export interface Snapshotter {
  /** The driver's name: `overlay`, `vfs`. */
  readonly driver: string
  /** What is known of a snapshot, or `undefined`. */
  stat(name: string): Promise<SnapshotInfo | undefined>
  /** Makes a writable snapshot on top of `parent`. Rejects with `already-exists`, or `not-found` for the parent. */
  prepare(name: string, options?: PrepareOptions): Promise<void>
  /** How the snapshot is mounted as one tree; a single bind mount where it is a plain directory. */
  mounts(name: string, options?: { readonly readOnly?: boolean; readonly volatile?: boolean }): Promise<readonly MountSpec[]>
  /** The directories that make up the tree, topmost first: for looking at a few files without a mount (`merged-view.ts`). */
  layers(name: string): Promise<readonly string[]>
  /** Where a layer is extracted to: a directory holding only this snapshot's own part, whiteouts in the driver's form. */
  extractTarget(name: string): Promise<ExtractTarget>
  /** Turns the active snapshot `active` into the committed one `name`. If `name` is there already, `active` is dropped. */
  commit(name: string, active: string, options?: AbortOptions): Promise<void>
  /** Removes a snapshot. It is gone at once; its tree may go in the background. */
  remove(name: string): Promise<void>
  /** All snapshots, in no order. */
  list(): AsyncIterable<SnapshotInfo>
  /** Bytes and inodes of the snapshot's own part. */
  usage(name: string, options?: AbortOptions): Promise<{ readonly sizeBytes: number; readonly inodes: number }>
}

/** Options of {@link Snapshotter.prepare}. @public */
export interface PrepareOptions extends AbortOptions {
  /** The committed snapshot below; nothing if not given. */
  readonly parent?: string
}

/** What is known of a snapshot. @public */
export interface SnapshotInfo {
  readonly name: string
  readonly state: 'active' | 'committed'
  readonly parent?: string
  readonly createdAt: Date
}

/** A mount as mount(2) takes it, options as text. @public */
export interface MountSpec {
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
  /** Paths in the options are relative to this directory, because the kernel takes only a page of options. */
  readonly workdir?: string
}

/** Where and how a layer is extracted. @public */
export interface ExtractTarget {
  readonly path: string
  /** `overlay`: deletions become character devices 0:0 and opaque attributes; `apply`: they are carried out on the tree, which holds the parent's content. */
  readonly whiteouts: 'overlay' | 'apply'
  /** The attribute that makes a directory opaque, for `overlay`; in a user namespace it is not the kernel's own. */
  readonly opaqueXattr?: 'trusted.overlay.opaque' | 'user.overlay.opaque'
}
