import { randomHex } from '../../base/crypto.ts'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import type { StateChange, StateEntry, StateListOptions, StateStore, StateStoreTraits } from '../state-store.ts'
import { encodeChange } from './encode-change.ts'
import type { EncodedChange } from './entry-table.ts'
import { storeClosed, storeFull } from './failures.ts'
import { loadLockfile, takeTurn } from './file-lock.ts'
import { Journal } from './journal.ts'

/** Where {@link openFileStore} keeps its files. @public */
export interface OpenFileStoreOptions {
  /** The folder of the journal. It is made if it is not there. */
  readonly directory: string
  /** The journal begins anew when it is larger than this, and than four times what it holds. Default: 4 MiB. */
  readonly compactBytes?: number
}

interface Waiting {
  readonly id: string
  readonly change: EncodedChange
  readonly resolve: (versions: string[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * A store of JSON files that needs no native code: a journal of lines with checksums, read into memory by every process
 * that has it open. Meant for platforms without LMDB, and for looking into with a text editor: a commit takes some
 * milliseconds, and the next writer waits up to a second for one that was killed.
 *
 * @public
 */
export async function openFileStore({ directory, compactBytes = 4 << 20 }: OpenFileStoreOptions): Promise<StateStore> {
  loadLockfile()
  const store = new FileStore(directory, compactBytes)
  await store.list('', { limit: 1 })
  return store
}

class FileStore implements StateStore {
  readonly traits: StateStoreTraits = { durable: true, shared: true }
  readonly #directory: string
  readonly #compactBytes: number
  readonly #journal: Journal
  /** What uses the journal comes one after the other. */
  #last: Promise<unknown> = Promise.resolve()
  #waiting: Waiting[] = []
  #closing: Promise<void> | undefined

  constructor(directory: string, compactBytes: number) {
    this.#directory = directory
    this.#compactBytes = compactBytes
    this.#journal = new Journal(directory)
  }

  async get(keys: readonly string[]): Promise<(StateEntry | undefined)[]> {
    return this.#read(({ table }) => keys.map((key) => table.get(key)))
  }

  async list(prefix: string, options?: StateListOptions): Promise<StateEntry[]> {
    return this.#read(({ table }) => table.list(prefix, options))
  }

  async commit(change: StateChange): Promise<string[]> {
    if (this.#closing) throw storeClosed()
    const encoded = encodeChange(change)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id: randomHex(8), change: encoded, resolve, reject })
      // What gathers until its turn comes is written with one sync.
      if (this.#waiting.length === 1) void this.#next(() => this.#commitWaiting()).catch(() => {})
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#next(() => this.#journal.close())
    return this.#closing
  }

  async #read<T>(read: (journal: Journal) => T): Promise<T> {
    if (this.#closing) throw storeClosed()
    return this.#next(async () => {
      await this.#journal.refresh()
      return read(this.#journal)
    })
  }

  async #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    try {
      return await result
    } catch (error) {
      throw this.#translate(error)
    }
  }

  async #commitWaiting(): Promise<void> {
    let open: Waiting[] = []
    try {
      const turn = await takeTurn(this.#directory)
      open = this.#waiting.splice(0)
      try {
        await this.#journal.refresh()
        while (open.length > 0) open = await this.#commitAll(open)
        if (turn.alone && this.#journal.isBloated(this.#compactBytes)) await this.#journal.compact()
      } finally {
        await turn.end()
      }
    } catch (error) {
      // What is in memory may be ahead of the disk now.
      await this.#journal.close()
      for (const { reject } of [...open, ...this.#waiting.splice(0)]) reject(this.#translate(error))
    }
  }

  /** Tries all changes; gives those that have to be tried again because another writer came in between. */
  async #commitAll(changes: readonly Waiting[]): Promise<Waiting[]> {
    const versions = new Map<string, string[]>()
    const holding = changes.filter(({ id, change, reject }) => {
      try {
        versions.set(id, this.#journal.table.commit(change))
        return true
      } catch (error) {
        reject(error)
        return false
      }
    })
    if (holding.length === 0) return []
    if (!(await this.#journal.append(holding))) {
      versions.clear()
      await this.#journal.reload((id, given) => versions.set(id, given))
    }
    for (const { id, resolve } of holding) {
      const given = versions.get(id)
      if (given) resolve(given)
    }
    return holding.filter(({ id }) => !versions.has(id))
  }

  #translate(error: unknown): unknown {
    if (isLibpodError(error)) return error
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') return storeFull(this.#directory, error)
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      return new LibpodError(
        'permission-denied',
        `The state store ${this.#directory} may not be written.`,
        { what: this.#directory },
        { cause: error },
      )
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EEXIST')
      return new LibpodError(
        'invalid-argument',
        `${this.#directory} is no folder, or cannot be made.`,
        { path: 'directory', value: this.#directory },
        { cause: error },
      )
    return new LibpodError(
      'internal',
      `The state store ${this.#directory} failed: ${message}.`,
      { what: this.#directory },
      { cause: error },
    )
  }
}
