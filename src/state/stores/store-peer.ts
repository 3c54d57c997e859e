// The other process of the conformance tests: opens a store as told, does a job, tells its result.

import { serveCasePeer } from '../../testing/case-peer.ts'
import { stateStorePeerJobs } from '../state-store.peer.ts'
import type { Json, StateStore } from '../state-store.ts'

await serveCasePeer(
  stateStorePeerJobs,
  async (module = '', opener = '', options = '') => {
    const loaded = (await import(module)) as Record<string, (options: Json) => Promise<StateStore>>
    const store = await loaded[opener]?.(JSON.parse(options) as Json)
    if (!store) throw new Error(`There is no ${opener} in ${module}.`)
    return store
  },
  (store) => store.close(),
)
