import type { StateCheck } from '../state-store.ts'
import { encodeEntry, versionOf } from './codec.ts'
import type { EncodedChange } from './entry-table.ts'
import type { LmdbDatabase } from './lmdb-keys.ts'

/** Where the last version lies: before every key of UTF-8 in a range, and no key itself, as no text begins with this byte. */
const counterKey = Buffer.from([0xff])

/** Runs inside the write transaction; gives the versions, or the check that failed: then nothing is written. */
export function applyChange(db: LmdbDatabase, { checks, puts, deletes }: EncodedChange): string[] | StateCheck {
  const failed = checks.find((check) => !holds(db, check))
  if (failed) return failed
  let counter = Number(db.get(counterKey) ?? '0')
  for (const key of deletes) void db.remove(key)
  const versions = puts.map(({ key, json }) => {
    const version = String(++counter)
    void db.put(key, encodeEntry(version, json))
    return version
  })
  if (puts.length > 0) void db.put(counterKey, String(counter))
  return versions
}

/** Whether it is a single write that nothing is checked for. */
export function isOneWrite({ checks, puts, deletes }: EncodedChange): boolean {
  return checks.length === 0 && puts.length + deletes.length === 1
}

/** Whether it only removes, and writes again what is there. */
export function addsNothing(db: LmdbDatabase, { puts }: EncodedChange): boolean {
  return puts.every(({ key }) => db.doesExist(key))
}

function holds(db: LmdbDatabase, check: StateCheck): boolean {
  if ('prefix' in check) return db.getKeysCount({ ...rangeOf(check.prefix), limit: 1 }) === 0
  const text = db.get(check.key)
  if ('version' in check) return text !== undefined && versionOf(text) === check.version
  return (text !== undefined) === check.exists
}

/** The keys that begin with `prefix`, behind `after`. */
export function rangeOf(prefix: string, after?: string): { start: Buffer; end: Buffer } {
  const first = Buffer.from(prefix === '' ? '\0' : prefix)
  const end = prefix === '' ? counterKey : Buffer.from(prefix)
  // No byte of UTF-8 is 0xff, so the last one can always be counted up.
  const last = end.length - 1
  if (prefix !== '') end[last] = (end[last] ?? 0) + 1
  const behind = after === undefined ? undefined : Buffer.from(`${after}\0`)
  return { start: behind !== undefined && Buffer.compare(behind, first) > 0 ? behind : first, end }
}
