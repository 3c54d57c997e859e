import type { Database } from 'lmdb'
import { maxKeyBytes } from './keys.ts'

/** A key as it is given: a text, or the bytes that bound a range and need be no text. */
export type LmdbKey = string | Buffer

/** A store's database, or one that reads in a transaction. */
export type LmdbDatabase = Database<string, LmdbKey>

/**
 * How keys lie in the file: as UTF-8, sorted by its bytes. They are written into lmdb's buffer and read from it without a
 * buffer of their own: of a list of many small entries that was a fifth.
 */
export const lmdbKeys = {
  writeKey(key: LmdbKey, target: Buffer, start: number): number {
    if (typeof key !== 'string') {
      target.set(key, start)
      return start + key.length
    }
    // A text that does not fit would be cut off in silence: lmdb leaves room for 1978 bytes, which is more than this many units.
    if (key.length > maxKeyBytes) throw new RangeError(`A key has ${key.length} characters.`)
    return start + target.write(key, start)
  },

  readKey(source: Buffer, start: number, end: number): string {
    return source.toString('utf8', start, end)
  },
}
