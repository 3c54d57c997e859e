import { chmod, mkdir } from 'node:fs/promises'
import {
  DirectorySnapshotter,
  type LocalSnapshotter,
  type SnapshotForm,
  type SnapshotterOptions,
  treeOf,
} from '../directory-snapshotter.ts'
import type { TreeWork } from '../tree-work.ts'

/**
 * Snapshots that are whole trees, each a copy of its parent: slow and large, and works everywhere.
 *
 * @public
 */
export function openVfsSnapshotter(options: SnapshotterOptions): LocalSnapshotter {
  return new DirectorySnapshotter(options, () => vfsForm(options.work))
}

function vfsForm(work: TreeWork): SnapshotForm {
  return {
    driver: 'vfs',
    async make(directory, parent, options) {
      const tree = treeOf(directory)
      await mkdir(tree)
      await chmod(tree, 0o755)
      options.signal?.throwIfAborted()
      if (parent !== undefined) await work.copy(treeOf(parent.directory), tree, options)
    },
    lowerOf: () => [],
    mounts: ({ directory }, { readOnly }) => [{ type: 'bind', source: treeOf(directory), options: ['rbind', readOnly ? 'ro' : 'rw'] }],
    extractTarget: (path) => ({ path, whiteouts: 'apply' }),
  }
}
