import type { StateStore } from '../state-store.ts'
import { encodeChange } from './encode-change.ts'
import { EntryTable } from './entry-table.ts'
import { storeClosed } from './failures.ts'

/**
 * A store in the memory of this process: for tests, and for engines whose containers are all ephemeral.
 *
 * @public
 */
export function createMemoryStore(): StateStore {
  const table = new EntryTable()
  let closed = false
  const open = (): EntryTable => {
    if (closed) throw storeClosed()
    return table
  }
  return {
    traits: { durable: false, shared: false },
    async get(keys) {
      const entries = open()
      return keys.map((key) => entries.get(key))
    },
    list: async (prefix, options) => open().list(prefix, options),
    commit: async (change) => open().commit(encodeChange(change)),
    async close() {
      closed = true
    },
  }
}
