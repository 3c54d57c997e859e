import { copyTree } from '../../linux/fs/copy-tree.ts'
import { directorySize } from '../../linux/fs/directory-size.ts'
import { removeTree } from '../../linux/fs/remove-tree.ts'
import { probeOverlay } from '../snapshots/overlay/probe.ts'
import type { TreeWork } from '../snapshots/tree-work.ts'

/** What the helper process does, done in this one: for tests of what lies above it. */
export const directTreeWork: TreeWork = {
  async remove(path) {
    removeTree(path)
  },
  async usage(path) {
    const { bytes, inodes } = directorySize(path)
    return { sizeBytes: bytes, inodes }
  },
  async copy(from, to, { signal } = {}) {
    for (const _ of copyTree(from, to)) signal?.throwIfAborted()
  },
  async sync() {},
  probeOverlay: async (directory) => probeOverlay(directory),
}
