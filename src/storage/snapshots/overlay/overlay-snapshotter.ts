import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { chmod, chown, mkdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { LibpodError } from '../../../base/errors.ts'
import { isErrno } from '../../../linux/errno.ts'
import type { ExtractTarget, MountSpec } from '../../snapshotter.ts'
import {
  DirectorySnapshotter,
  type LocalSnapshotter,
  type SnapshotForm,
  type SnapshotterOptions,
  treeOf,
} from '../directory-snapshotter.ts'
import type { PlacedSnapshot, SnapshotFiles } from '../snapshot-files.ts'
import { overlayOptions } from './overlay-options.ts'

/** Options of {@link openOverlaySnapshotter}. @public */
export interface OverlaySnapshotterOptions extends SnapshotterOptions {
  /** Whether the attributes of overlay are those of users, as they must be in a user namespace. */
  readonly userxattr?: boolean
}

/** The kernel takes one page of mount options, with the NUL that ends them. */
const longestOptions = 4095

/**
 * Snapshots that the kernel puts together: each holds only what differs from its parent. A directory is `fs`, for an
 * active one also `work`.
 *
 * @public
 */
export function openOverlaySnapshotter(options: OverlaySnapshotterOptions): LocalSnapshotter {
  return new DirectorySnapshotter(options, (files) => overlayForm(files, options.userxattr ?? false))
}

function overlayForm(files: SnapshotFiles, userxattr: boolean): SnapshotForm {
  return {
    driver: 'overlay',
    make: makeDirectories,
    lowerOf: ({ id, lower }) => [id, ...lower],
    mounts: (snapshot, options) => [mountOf(files, snapshot, { ...options, userxattr })],
    extractTarget: (path): ExtractTarget => ({
      path,
      whiteouts: 'overlay',
      opaqueXattr: userxattr ? 'user.overlay.opaque' : 'trusted.overlay.opaque',
    }),
  }
}

/** The root of the merged tree has the owner and mode of the topmost directory, so they are handed on from layer to layer. */
async function makeDirectories(directory: string, parent: PlacedSnapshot | undefined): Promise<void> {
  const tree = treeOf(directory)
  const { mode, uid, gid } = parent === undefined ? rootDirectory : lstatSync(treeOf(parent.directory))
  await Promise.all([mkdir(tree), mkdir(join(directory, 'work'), 0o700)])
  await chmod(tree, mode & 0o7777)
  if (uid !== process.geteuid?.() || gid !== process.getegid?.()) await chownIfAllowed(tree, uid, gid)
}

const rootDirectory = { mode: 0o755, uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }

/** Outside of the user namespace, an unprivileged host may not: the helper's extraction sets it then. */
async function chownIfAllowed(path: string, uid: number, gid: number): Promise<void> {
  try {
    await chown(path, uid, gid)
  } catch (error) {
    if (!isErrno(error, 'EPERM')) throw error
  }
}

function mountOf(
  files: SnapshotFiles,
  { state, id, directory, lower, name }: PlacedSnapshot,
  { readOnly, volatile, userxattr }: { readonly readOnly: boolean; readonly volatile: boolean; readonly userxattr: boolean },
): MountSpec {
  if (lower.length === 0) return { type: 'bind', source: treeOf(directory), options: ['rbind', readOnly ? 'ro' : 'rw'] }
  // Paths relative to the directory of committed snapshots are the shortest there are.
  const workdir = join(files.root, 'committed')
  const own = state === 'committed' ? id : relative(workdir, directory)
  const below = lower.map((layer) => `${layer}/fs`)
  if (!readOnly) dropIncompat(join(directory, 'work/work'))
  const options = readOnly
    ? ['ro', `lowerdir=${[`${own}/fs`, ...below].join(':')}`]
    : ['rw', `lowerdir=${below.join(':')}`, `upperdir=${own}/fs`, `workdir=${own}/work`, ...(volatile ? ['volatile'] : [])]
  const all = [...options, ...overlayOptions(userxattr)]
  if (all.join(',').length > longestOptions) throw tooManyLayers(name, lower.length + 1)
  return { type: 'overlay', source: 'overlay', options: all, workdir }
}

/** What a volatile mount left would make the next one fail, and says nothing of use: the upper directory outlived its mount. */
function dropIncompat(work: string): void {
  const left = join(work, 'incompat')
  const drop = (): void => {
    if (lstatSync(left, { throwIfNoEntry: false }) !== undefined) rmSync(left, { recursive: true, force: true })
  }
  try {
    drop()
  } catch (error) {
    if (!isErrno(error, 'EACCES')) throw error
    // The kernel makes the folders for nobody to look into, and anew with each mount. Their owner may look all the same.
    for (const folder of [work, left, join(left, 'volatile')]) {
      if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) break
      chmodSync(folder, 0o700)
    }
    drop()
  }
}

function tooManyLayers(name: string, count: number): LibpodError {
  return new LibpodError(
    'unsupported',
    `The snapshot ${name} consists of ${count} layers, more than one mount can have.`,
    { what: `${count} layers` },
    { hint: 'Squash the image.' },
  )
}
