import type { StateChange, StateCheck, StateEntry, StateListOptions } from '../state-store.ts'
import { decodeEntry, encodeEntry, versionOf } from './codec.ts'
import { checkFailed } from './failures.ts'
import { compareKeys } from './keys.ts'

/** A change with its values as JSON text, ready to be applied. */
export interface EncodedChange {
  readonly checks: readonly StateCheck[]
  readonly puts: readonly { readonly key: string; readonly json: string }[]
  readonly deletes: readonly string[]
}

/** An ordered table in memory: what the memory store is, and what the file store reads from. Values stay text, so nobody can change them. */
export class EntryTable {
  readonly #texts = new Map<string, string>()
  readonly #keys: string[] = []
  #counter: number

  constructor(counter = 0) {
    this.#counter = counter
  }

  /** The last version that was given away. */
  get counter(): number {
    return this.#counter
  }

  get size(): number {
    return this.#texts.size
  }

  get(key: string): StateEntry | undefined {
    const text = this.#texts.get(key)
    return text === undefined ? undefined : decodeEntry(key, text)
  }

  list(prefix: string, { after, limit = 1000 }: StateListOptions = {}): StateEntry[] {
    const found: StateEntry[] = []
    let at = after !== undefined && compareKeys(after, prefix) >= 0 ? this.#position(after, true) : this.#position(prefix, false)
    for (; at < this.#keys.length && found.length < limit; at++) {
      const key = this.#keys[at]
      if (key === undefined || !key.startsWith(prefix)) break
      found.push(decodeEntry(key, this.#texts.get(key) ?? ''))
    }
    return found
  }

  /** The first check that fails. */
  failing(checks: StateChange['checks'] = []): StateCheck | undefined {
    return checks.find((check) => !this.#holds(check))
  }

  /** Compares and applies, giving the versions of the puts. */
  commit(change: EncodedChange): string[] {
    const failed = this.failing(change.checks)
    if (failed) throw checkFailed(failed)
    return this.apply(change)
  }

  apply({ puts, deletes }: Omit<EncodedChange, 'checks'>): string[] {
    for (const key of deletes) this.#delete(key)
    return puts.map(({ key, json }) => {
      const version = String(++this.#counter)
      this.load(key, encodeEntry(version, json))
      return version
    })
  }

  /** Sets an entry as it was encoded before. */
  load(key: string, text: string): void {
    if (!this.#texts.has(key)) this.#keys.splice(this.#position(key, false), 0, key)
    this.#texts.set(key, text)
  }

  /** Every entry, encoded, in key order. */
  *entries(): Generator<readonly [string, string]> {
    for (const key of this.#keys) yield [key, this.#texts.get(key) ?? '']
  }

  #holds(check: StateCheck): boolean {
    if ('prefix' in check) return !this.#keys[this.#position(check.prefix, false)]?.startsWith(check.prefix)
    const text = this.#texts.get(check.key)
    if ('version' in check) return text !== undefined && versionOf(text) === check.version
    return (text !== undefined) === check.exists
  }

  #delete(key: string): void {
    if (this.#texts.delete(key)) this.#keys.splice(this.#position(key, false), 1)
  }

  /** Where `key` stands or would stand; one further with `behind` if it is there. */
  #position(key: string, behind: boolean): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const order = compareKeys(this.#keys[middle] ?? '', key)
      if (order < 0 || (behind && order === 0)) low = middle + 1
      else high = middle
    }
    return low
  }
}
