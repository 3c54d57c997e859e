/**
 * The contract of the store behind an engine: a small ordered key-value store with one atomic, conditional write.
 *
 * **The model.** Keys are texts of at most 400 bytes, ordered by their UTF-8 bytes; values are plain JSON. Every value
 * has a version: an opaque text that the store makes anew at each put and never uses again, not even after the key was
 * deleted and put again.
 *
 * **The rules.**
 * 1. `commit` is all or nothing, over all its keys and across processes: it compares every check, and then either
 *    applies every put and delete or, when a check fails, none, rejecting with `conflict`. When it resolves, the change
 *    is visible to every other reader and, with `traits.durable`, survives a power cut.
 * 2. `list` gives one consistent page at a time, in key order; between pages others may write. It holds nothing open
 *    while the caller looks at a page.
 * 3. A store knows nothing of containers or images. Names, links, retries and cancellation are written once, above it
 *    (see `registry.ts`).
 * 4. Nothing here may block the event loop of the host because another process is writing.
 * 5. A writer may be killed at any moment: the store stays consistent, and the next writer does not wait for the dead one.
 *
 * **An example.** To create a container that uses an image, atomically with respect to that image's removal:
 * ```ts
 * await store.commit({
 *   checks: [{ key: 'name/web', exists: false }, { key: 'object/image/4f1…', exists: true }],
 *   puts: [{ key: 'name/web', value: '81c…' }, { key: 'object/container/81c…', value: record }, { key: 'link/image/4f1…/container/81c…', value: null }],
 * })
 * ```
 * and the removal of the image checks `{ prefix: 'link/image/4f1…/', exists: false }`.
 *
 * The conformance cases lie beside this file in `state-store.cases.ts`.
 *
 * @public
 */
export interface StateStore {
  /** What this store can promise. */
  readonly traits: StateStoreTraits
  /** The entries of the given keys, in the given order; `undefined` for one that is not there. All are read at one moment. */
  get(keys: readonly string[]): Promise<(StateEntry | undefined)[]>
  /** The page of entries whose keys begin with `prefix`, in key order, behind `after`. A page shorter than `limit` is the last. */
  list(prefix: string, options?: StateListOptions): Promise<StateEntry[]>
  /** Writes atomically; see rule 1. Resolves with the new version of every put, in order. */
  commit(change: StateChange): Promise<string[]>
  /** Lets go of files and memory. Idempotent; later calls of the other methods reject with `closed`. */
  close(): Promise<void>
}

/** What a store can promise. @public */
export interface StateStoreTraits {
  /** A resolved commit survives a power cut. Without it, every container is ephemeral. */
  readonly durable: boolean
  /** Several processes may have it open. Without it, a second `Runtime.open` of the root rejects with `conflict`. */
  readonly shared: boolean
}

/** Any JSON value. @public */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined }

/** A key, its value and the value's version. @public */
export interface StateEntry {
  readonly key: string
  readonly value: Json
  readonly version: string
}

/** Which page to read. @public */
export interface StateListOptions {
  /** Begin behind this key. */
  readonly after?: string
  /** At most this many entries; 1,000 if not given. */
  readonly limit?: number
}

/** What must hold for a commit. @public */
export type StateCheck =
  | { readonly key: string; readonly version: string }
  | { readonly key: string; readonly exists: boolean }
  | { readonly prefix: string; readonly exists: false }

/** One atomic write. A key may stand in only one of `puts` and `deletes`. @public */
export interface StateChange {
  readonly checks?: readonly StateCheck[]
  readonly puts?: readonly { readonly key: string; readonly value: Json }[]
  readonly deletes?: readonly string[]
}
