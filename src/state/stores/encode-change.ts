import type { StateChange } from '../state-store.ts'
import { encodeValue } from './codec.ts'
import type { EncodedChange } from './entry-table.ts'
import { checkChange } from './keys.ts'

/** Checks a change and turns its values into text; what is refused here was never begun. */
export function encodeChange(change: StateChange): EncodedChange {
  checkChange(change)
  const { checks = [], puts = [], deletes = [] } = change
  return { checks, puts: puts.map(({ key, value }) => ({ key, json: encodeValue(key, value) })), deletes }
}
