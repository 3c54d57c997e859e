// The other process of the tests of snapshotters.
import { serveCasePeer } from '../../testing/case-peer.ts'
import { snapshotterPeerJobs } from '../snapshotter.peer.ts'
import { directTreeWork } from '../test-support/direct-tree-work.ts'
import { openOverlaySnapshotter } from './overlay/overlay-snapshotter.ts'
import { openVfsSnapshotter } from './vfs/vfs-snapshotter.ts'

await serveCasePeer(snapshotterPeerJobs, (driver, root = '') =>
  (driver === 'vfs' ? openVfsSnapshotter : openOverlaySnapshotter)({ root, work: directTreeWork }),
)
