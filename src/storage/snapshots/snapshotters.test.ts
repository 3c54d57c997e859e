import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { compiled } from '../../../test/support/programs.ts'
import { directorySize } from '../../linux/fs/directory-size.ts'
import { removeTree } from '../../linux/fs/remove-tree.ts'
import { type CasePeer, spawnCasePeer } from '../../testing/case-peer.ts'
import { snapshotterCases } from '../snapshotter.cases.ts'
import { directTreeWork } from '../test-support/direct-tree-work.ts'
import type { LocalSnapshotter, SnapshotterOptions } from './directory-snapshotter.ts'
import { openOverlaySnapshotter } from './overlay/overlay-snapshotter.ts'
import { openVfsSnapshotter } from './vfs/vfs-snapshotter.ts'

let directory: string
let opened: LocalSnapshotter[]
let peers: CasePeer[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-snapshots-'))
  for (const name of ['root', 'small', 'own']) await mkdir(join(directory, name))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', join(directory, 'small')])
  opened = []
  peers = []
})

afterEach(async () => {
  for (const peer of peers) await peer.kill()
  for (const snapshots of opened) await snapshots.settled()
  execFileSync('umount', [join(directory, 'small')])
  removeTree(directory)
})

function testSnapshotter(driver: string, openIn: (options: SnapshotterOptions) => LocalSnapshotter): void {
  const root = (): string => join(directory, 'root')
  const open = async (place = root()): Promise<LocalSnapshotter> => {
    const snapshots = openIn({ root: place, work: directTreeWork })
    opened.push(snapshots)
    return snapshots
  }
  describe(`${driver} snapshotter`, () => {
    for (const { name, run } of snapshotterCases) {
      it(name, { timeout: 120_000 }, () =>
        run({
          directory: join(directory, 'own'),
          open: () => open(),
          openSmall: () => open(join(directory, 'small')),
          async spawnPeer(job, input) {
            const program = compiled(new URL('./snapshotter-peer.ts', import.meta.url))
            const peer = spawnCasePeer({ program, args: [driver, root()], job, input })
            peers.push(peer)
            return peer
          },
          async countInodes() {
            for (const snapshots of opened) await snapshots.settled()
            return directorySize(root()).inodes
          },
          report: (text) => console.info(`${driver} snapshotter: ${text}`),
        }),
      )
    }
  })
}

testSnapshotter('overlay', openOverlaySnapshotter)
testSnapshotter('vfs', openVfsSnapshotter)
