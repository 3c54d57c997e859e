import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { isErrno, systemError } from '../../linux/errno.ts'
import type { Confinement } from '../../linux/fs/confinement.ts'
import { atDescriptor, O_PATH } from '../../linux/fs/descriptor-path.ts'
import { removeTree } from '../../linux/fs/remove-tree.ts'
import { type EntryPath, parentKey, pathOf } from './entry-path.ts'

/** As many links as the kernel follows in one path. */
const mostLinks = 40
const ELOOP = 40
const ENOTDIR = 20

/** Finds room for the entries of a layer: makes the directories above, and clears what is in the way. Used inside the tree. */
export class TreePlaces {
  readonly #confinement: Confinement

  constructor(confinement: Confinement) {
    this.#confinement = confinement
  }

  /** Makes something new at a place. */
  make<T>(place: EntryPath, create: () => T): T {
    for (let attempt = 1; ; attempt++) {
      try {
        return create()
      } catch (error) {
        if (attempt === 3) throw error
        if (isErrno(error, 'ENOENT')) this.makeParents(place)
        else if (isErrno(error, 'EEXIST')) this.clear(place)
        else throw error
      }
    }
  }

  /** Makes the directories that an archive does not list. Links among them are followed, inside the tree, as by whoever opens the file later. */
  makeParents({ key }: EntryPath): void {
    this.makeDirectories(pathOf(parentKey(key)))
  }

  /** The same, and the directory itself. */
  makeDirectories({ path }: EntryPath): void {
    makeDirectories(path, 0)
  }

  /** Removes whatever is at a place. */
  clear(place: EntryPath): void {
    const stats = lstatSync(place.path, { throwIfNoEntry: false })
    if (stats === undefined) return
    if (stats.isDirectory()) this.#clearDirectory(place)
    else unlinkSync(place.path)
  }

  #clearDirectory({ key, path, base }: EntryPath): void {
    try {
      rmdirSync(path)
    } catch (error) {
      if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error
      // The walk needs /proc, which is outside; the descriptor leads back to the same directory.
      const parent = openSync(pathOf(parentKey(key)).path, O_PATH | constants.O_DIRECTORY)
      try {
        this.#confinement.outside(() => removeTree(atDescriptor(parent, Buffer.from(base, 'latin1'))))
      } finally {
        closeSync(parent)
      }
    }
  }
}

/** Every prefix of a path becomes a directory, unless it leads to one. */
function makeDirectories(path: Buffer, links: number): void {
  for (let end = path.indexOf(slash, 1); ; end = path.indexOf(slash, end + 1)) {
    makeDirectory(end < 0 ? path : path.subarray(0, end), links)
    if (end < 0) return
  }
}

function makeDirectory(path: Buffer, links: number): void {
  try {
    mkdirSync(path, 0o755)
    // A directory above with a setgid bit or a default ACL has left its traces.
    lchownSync(path, 0, 0)
    chmodSync(path, 0o755)
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats?.isDirectory()) return
    if (stats !== undefined) throw systemError(ENOTDIR, 'mkdir', path.toString())
    // A link to what is not there yet; in a layer above, /var/run/x may well come before /run.
    if (links === mostLinks) throw systemError(ELOOP, 'mkdir', path.toString())
    const target = readlinkSync(path, { encoding: 'buffer' })
    const base = path.subarray(0, path.lastIndexOf(slash) + 1)
    makeDirectories(target[0] === slash ? target : Buffer.concat([base, target]), links + 1)
  }
}

const slash = 0x2f
