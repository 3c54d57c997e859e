import { createRequire } from 'node:module'
import type { Database, RootDatabase } from 'lmdb'
import type { StateCheck, StateEntry, StateListOptions, StateStore, StateStoreTraits } from '../state-store.ts'
import { decodeEntry, encodeEntry, versionOf } from './codec.ts'
import { encodeChange } from './encode-change.ts'
import type { EncodedChange } from './entry-table.ts'
import { checkFailed, storeClosed } from './failures.ts'
import { prepareLmdbFile, translateLmdbError } from './lmdb-file.ts'

/** How {@link openLmdbStore} opens. @public */
export interface OpenLmdbStoreOptions {
  /** The data file; `<path>-lock` stands beside it. Its folder is made if it is not there. */
  readonly path: string
  /** Whether a commit is on disk when it resolves. `false` on tmpfs, where nothing is gained by waiting. Default: `true`. */
  readonly durable?: boolean
}

/** Where the last version lies: before every key of UTF-8 in a range, and no key itself, as no text begins with this byte. */
const counterKey = Buffer.from([0xff])

/**
 * The default store: one memory-mapped LMDB file, shared by any number of processes.
 *
 * Reads are answered from the map within microseconds. Writes wait for the write lock on a thread of LMDB's own, so
 * another process's commit delays a promise, never the event loop. Opening takes the write lock for a moment.
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
  // Loaded here and not at import: it takes some 50 ms.
  const { open } = createRequire(import.meta.url)('lmdb') as typeof import('lmdb')
  try {
    const options = {
      path,
      noSubdir: true,
      encoding: 'string',
      keyEncoding: 'binary',
      maxReaders: 512,
      // A commit is on disk when it resolves, rather than soon after.
      overlappingSync: false,
      noSync: !durable,
      // With it, a failed commit leaves a second promise behind that nobody handles.
      eventTurnBatching: false,
      // Known to the native part, missing in its types.
      permissionsMode: 0o600,
    } as const
    return new LmdbStore(path, open<string, Buffer>(options), { durable, shared: true })
  } catch (error) {
    throw await translateLmdbError(path, error)
  }
}

class LmdbStore implements StateStore {
  readonly traits: StateStoreTraits
  readonly #path: string
  readonly #db: RootDatabase<string, Buffer>
  #closing: Promise<void> | undefined
  readonly #writing = new Set<Promise<unknown>>()

  constructor(path: string, db: RootDatabase<string, Buffer>, traits: StateStoreTraits) {
    this.#path = path
    this.#db = db
    this.traits = traits
  }

  async get(keys: readonly string[]): Promise<(StateEntry | undefined)[]> {
    return this.#read((db) =>
      keys.map((key) => {
        const text = key === '' ? undefined : db.get(Buffer.from(key))
        return text === undefined ? undefined : decodeEntry(key, text)
      }),
    )
  }

  async list(prefix: string, { after, limit = 1000 }: StateListOptions = {}): Promise<StateEntry[]> {
    return this.#read((db) => {
      const entries: StateEntry[] = []
      for (const { key, value } of db.getRange({ ...rangeOf(prefix, after), limit })) entries.push(decodeEntry(key.toString(), value))
      return entries
    })
  }

  async commit(change: Parameters<StateStore['commit']>[0]): Promise<string[]> {
    this.#check()
    const encoded = encodeChange(change)
    // A child transaction: lmdb gathers commits of one moment, and only a child can be taken back alone.
    const written = this.#db.childTransaction(() => apply(this.#db, encoded))
    this.#writing.add(written)
    try {
      const result = await written
      if (Array.isArray(result)) return result
      throw checkFailed(result as StateCheck)
    } catch (error) {
      throw await translateCommitError(this.#path, error)
    } finally {
      this.#writing.delete(written)
    }
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#writing).then(() => this.#db.close())
    return this.#closing
  }

  #check(): void {
    if (this.#closing) throw storeClosed()
  }

  async #read<T>(read: (db: Database<string, Buffer>) => T): Promise<T> {
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

/** Runs inside the write transaction; gives the versions, or the check that failed. */
function apply(db: Database<string, Buffer>, { checks, puts, deletes }: EncodedChange): string[] | StateCheck {
  const failed = checks.find((check) => !holds(db, check))
  if (failed) return failed
  let counter = Number(db.get(counterKey) ?? '0')
  for (const key of deletes) void db.remove(Buffer.from(key))
  const versions = puts.map(({ key, json }) => {
    const version = String(++counter)
    void db.put(Buffer.from(key), encodeEntry(version, json))
    return version
  })
  if (puts.length > 0) void db.put(counterKey, String(counter))
  return versions
}

function holds(db: Database<string, Buffer>, check: StateCheck): boolean {
  if ('prefix' in check) return db.getKeysCount({ ...rangeOf(check.prefix), limit: 1 }) === 0
  const text = db.get(Buffer.from(check.key))
  if ('version' in check) return text !== undefined && versionOf(text) === check.version
  return (text !== undefined) === check.exists
}

/** The keys that begin with `prefix`, behind `after`. */
function rangeOf(prefix: string, after?: string): { start: Buffer; end: Buffer } {
  const first = Buffer.from(prefix === '' ? '\0' : prefix)
  const end = prefix === '' ? counterKey : Buffer.from(prefix)
  // No byte of UTF-8 is 0xff, so the last one can always be counted up.
  const last = end.length - 1
  if (prefix !== '') end[last] = (end[last] ?? 0) + 1
  const behind = after === undefined ? undefined : Buffer.from(`${after}\0`)
  return { start: behind !== undefined && Buffer.compare(behind, first) > 0 ? behind : first, end }
}

/** lmdb rejects with a promise of the true reason inside. */
async function translateCommitError(path: string, error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: Promise<unknown> }).commitError
  if (reason === undefined) return translateLmdbError(path, error)
  const cause = await reason.then(
    () => error,
    (actual: unknown) => actual,
  )
  return translateLmdbError(path, cause)
}
