// The other process of the conformance tests: opens a store as told, does a job, tells its result.

import { stateStorePeerJobs } from '../state-store.peer.ts'
import type { Json, StateStore } from '../state-store.ts'

const [module = '', opener = '', options = '', job = '', args = ''] = process.argv.slice(2)
const loaded = (await import(module)) as Record<string, (options: Json) => Promise<StateStore>>
const store = await loaded[opener]?.(JSON.parse(options) as Json)
const work = stateStorePeerJobs[job]
if (!store || !work) throw new Error(`No ${opener} in ${module}, or no job ${job}.`)
process.stdout.write('started\n')
const result = await work(store, JSON.parse(args) as Record<string, Json>)
await store.close()
process.stdout.write(`${JSON.stringify(result)}\n`)
