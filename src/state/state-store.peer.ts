import { isLibpodError } from '../base/errors.ts'
import type { Json, StateChange, StateStore } from './state-store.ts'

/** What the other processes of the conformance cases do. @public */
export const stateStorePeerJobs: Readonly<Record<string, (store: StateStore, args: Readonly<Record<string, Json>>) => Promise<Json>>> = {
  /** Counts up, so many times. */
  async increment(store, { times }) {
    for (let done = 0; done < Number(times); ) {
      const [entry] = await store.get(['counter'])
      const checks = [{ key: 'counter', version: entry?.version ?? '' }]
      if (await attempt(store, { checks, puts: [{ key: 'counter', value: Number(entry?.value) + 1 }] })) done++
    }
    return null
  },
  /** Answers each call with its own value. */
  async echo(store, { rounds }) {
    for (let last = 0; last < Number(rounds); ) {
      const [call] = await store.get(['call'])
      const value = Number(call?.value ?? 0)
      if (value === last) await new Promise((resolve) => setTimeout(resolve, 1))
      else await store.commit({ puts: [{ key: 'echo', value }] })
      last = value
    }
    return rounds ?? 0
  },
  /** Writes the same value to many keys at once, again and again, until it is killed. */
  async fill(store, { name, keys }) {
    for (let round = 0; ; round++)
      await store.commit({
        puts: Array.from({ length: Number(keys) }, (_, at) => ({ key: `${name}/${at}`, value: `${process.pid}.${round}` })),
      })
  },
  /** Links to the target where it exists, looks whether it is still there, and takes the link back. */
  async link(store, { rounds }) {
    const outcome = { linked: 0, refused: 0, dangling: 0 }
    for (let round = 0; round < Number(rounds); round++) {
      const checks = [{ key: 'object/target', exists: true }]
      if (!(await attempt(store, { checks, puts: [{ key: 'link/target/user', value: round }] }))) {
        outcome.refused++
        continue
      }
      outcome.linked++
      const [target, link] = await store.get(['object/target', 'link/target/user'])
      if (target === undefined && link !== undefined) outcome.dangling++
      await store.commit({ deletes: ['link/target/user'] })
    }
    return outcome
  },
  /** Removes the target where nobody links to it, and makes it again, until it is told to stop; gives how often it could. */
  async unlink(store) {
    for (let removed = 0; ; ) {
      const checks = [{ prefix: 'link/target/', exists: false } as const]
      if (await attempt(store, { checks, deletes: ['object/target'] })) {
        removed++
        await store.commit({ puts: [{ key: 'object/target', value: null }] })
      }
      if ((await store.get(['stop']))[0]) return removed
    }
  },
}

async function attempt(store: StateStore, change: StateChange): Promise<boolean> {
  try {
    await store.commit(change)
    return true
  } catch (error) {
    if (isLibpodError(error, 'conflict')) return false
    throw error
  }
}
