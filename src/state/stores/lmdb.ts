import { open, type RootDatabase } from 'lmdb'
import { randomHex } from '../../base/crypto.ts'
import { isLibpodError } from '../../base/errors.ts'
import type { StateCheck, StateEntry, StateListOptions, StateStore, StateStoreTraits } from '../state-store.ts'
import { decodeEntry, encodeEntry } from './codec.ts'
import { encodeChange } from './encode-change.ts'
import type { EncodedChange } from './entry-table.ts'
import { checkFailed, storeClosed } from './failures.ts'
import { maxKeyBytes } from './keys.ts'
import { addsNothing, applyChange, isOneWrite, rangeOf } from './lmdb-change.ts'
import { prepareLmdbFile, translateCommitError, translateLmdbError } from './lmdb-file.ts'
import { type LmdbDatabase, type LmdbKey, lmdbKeys } from './lmdb-keys.ts'
import { LmdbReserve } from './lmdb-reserve.ts'

/** How {@link openLmdbStore} opens. @public */
export interface OpenLmdbStoreOptions {
  /** The data file; `<path>-lock` stands beside it, and `<path>.reserve` if it is durable. Its folder is made if it is not there. */
  readonly path: string
  /** Whether a commit is on disk when it resolves. `false` on tmpfs, where nothing is gained by waiting. Default: `true`. */
  readonly durable?: boolean
}

/**
 * The default store: one memory-mapped LMDB file, shared by any number of processes.
 *
 * Reads are answered from the map within microseconds. Writes wait for the write lock on a thread of LMDB's own, so
 * another process's commit delays a promise, never the event loop. Opening takes the write lock for a moment. With
 * `durable`, 256 KiB of the disk are kept free for the commits that add nothing: a full disk keeps nobody from removing.
 *
 * Rejects with `corrupt` if the file is not a sound store, and `no-space` if it cannot be made.
 *
 * @example
 * ```ts
 * const store = await openLmdbStore({ path: '/var/lib/libpod-ts/state.mdb' })
 * ```
 *
 * @public
 */
export async function openLmdbStore({ path, durable = true }: OpenLmdbStoreOptions): Promise<StateStore> {
  await prepareLmdbFile(path)
  try {
    const options = {
      path,
      noSubdir: true,
      encoding: 'string',
      keyEncoder: lmdbKeys,
      maxReaders: 512,
      // A commit is on disk when it resolves, rather than soon after.
      overlappingSync: false,
      noSync: !durable,
      // With it, a failed commit leaves a second promise behind that nobody handles.
      eventTurnBatching: false,
      // Known to the native part, missing in its types.
      permissionsMode: 0o600,
    } as const
    return new LmdbStore(path, open<string, LmdbKey>(options), { durable, shared: true })
  } catch (error) {
    throw await translateLmdbError(path, error)
  }
}

class LmdbStore implements StateStore {
  readonly traits: StateStoreTraits
  readonly #path: string
  readonly #db: RootDatabase<string, LmdbKey>
  #closing: Promise<void> | undefined
  readonly #writing = new Set<Promise<unknown>>()
  readonly #reserve: LmdbReserve | undefined
  /** Whose versions are counted here, and not in the file. */
  readonly #writer = randomHex(8)
  #written = 0

  constructor(path: string, db: RootDatabase<string, LmdbKey>, traits: StateStoreTraits) {
    this.#path = path
    this.#db = db
    this.traits = traits
    this.#reserve = traits.durable ? new LmdbReserve(path) : undefined
    this.#reserve?.prepare()
  }

  async get(keys: readonly string[]): Promise<(StateEntry | undefined)[]> {
    return this.#read((db) =>
      keys.map((key) => {
        const text = key === '' || key.length > maxKeyBytes ? undefined : db.get(key)
        return text === undefined ? undefined : decodeEntry(key, text)
      }),
    )
  }

  async list(prefix: string, { after, limit = 1000 }: StateListOptions = {}): Promise<StateEntry[]> {
    return this.#read((db) => {
      const entries: StateEntry[] = []
      // Keys are read as texts.
      for (const { key, value } of db.getRange({ ...rangeOf(prefix, after), limit })) entries.push(decodeEntry(key as string, value))
      return entries
    })
  }

  async commit(change: Parameters<StateStore['commit']>[0]): Promise<string[]> {
    this.#check()
    const written = this.#write(encodeChange(change))
    this.#writing.add(written)
    try {
      return await written
    } finally {
      this.#writing.delete(written)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#writing)
    await this.#reserve?.settle()
    await this.#db.close()
  }

  async #write(change: EncodedChange): Promise<string[]> {
    let versions: string[]
    try {
      versions = await this.#apply(change)
    } catch (error) {
      if (!isLibpodError(error, 'no-space') || this.#reserve === undefined || !addsNothing(this.#db, change)) throw error
      await this.#reserve.drop()
      versions = await this.#apply(change)
    }
    this.#reserve?.prepare()
    return versions
  }

  async #apply(change: EncodedChange): Promise<string[]> {
    let result: unknown
    try {
      if (isOneWrite(change)) return await this.#writeOne(change)
      // lmdb gathers commits of one moment in one transaction. No child of it for each: what fails, fails before it has written anything, and
      // LMDB 0.9 now and then ends the process when it puts a child's pages to its parent's ("i == x" in mdb_txn_commit).
      result = await this.#db.transaction(() => applyChange(this.#db, change))
    } catch (error) {
      throw await translateCommitError(this.#path, error)
    }
    if (Array.isArray(result)) return result as string[]
    throw checkFailed(result as StateCheck)
  }

  /** Of one write without checks lmdb needs to ask nothing: the event loop is asked for once, when it is done. */
  async #writeOne({ puts: [put], deletes: [key] }: EncodedChange): Promise<string[]> {
    if (put === undefined) {
      if (key !== undefined) await this.#db.remove(key)
      return []
    }
    const version = `${this.#writer}.${++this.#written}`
    await this.#db.put(put.key, encodeEntry(version, put.json))
    return [version]
  }

  #check(): void {
    if (this.#closing) throw storeClosed()
  }

  async #read<T>(read: (db: LmdbDatabase) => T): Promise<T> {
    this.#check()
    try {
      // lmdb would otherwise read on in the snapshot of this turn of the event loop.
      this.#db.resetReadTxn()
      return read(this.#db)
    } catch (error) {
      throw await translateLmdbError(this.#path, error)
    }
  }
}
