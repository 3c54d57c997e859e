import { chmodSync, mkdirSync } from 'node:fs'
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
    make(directory, parent, options) {
      const tree = treeOf(directory)
      mkdirSync(tree)
      chmodSync(tree, 0o755)
      return parent === undefined ? undefined : work.copy(treeOf(parent.directory), tree, options)
    },
    lowerOf: () => [],
    mounts: ({ directory }, { readOnly }) => [{ type: 'bind', source: treeOf(directory), options: ['rbind', readOnly ? 'ro' : 'rw'] }],
    extractTarget: (path) => ({ path, whiteouts: 'apply' }),
  }
}
