// The other process of the tests of content stores.
import { serveCasePeer } from '../../testing/case-peer.ts'
import { contentStorePeerJobs } from '../content-store.peer.ts'
import { openContentStore } from './local-content-store.ts'

await serveCasePeer(contentStorePeerJobs, (root = '') => openContentStore({ root }))
process.exit()
