import { lstatSync } from 'node:fs'
import { mapFsError } from './disk.ts'
import { walkTree } from './walk-tree.ts'

/** What a directory takes. */
export interface DirectorySize {
  /** The sizes of its files, as `ls` shows them; a file with several links counts once, directories count nothing. */
  readonly bytes: number
  /** The room taken on the disk: less for sparse files, more for many small ones. */
  readonly diskBytes: number
  /** Files, links, directories: everything in it once, and itself. */
  readonly inodes: number
}

/** Adds up a tree, without what is mounted in it. A missing one takes nothing. Synchronous: for the helper process. */
export function directorySize(path: string): DirectorySize {
  const linked = new Set<string>()
  let [bytes, diskBytes, inodes] = [0, 0, 0]
  const count = (entry: string | Buffer, isDirectory: boolean): void => {
    const stats = lstatSync(entry, { throwIfNoEntry: false })
    if (stats === undefined) return
    if (!isDirectory && stats.nlink > 1) {
      const key = `${stats.dev}:${stats.ino}`
      if (linked.has(key)) return
      linked.add(key)
    }
    inodes += 1
    diskBytes += stats.blocks * 512
    if (!isDirectory) bytes += stats.size
  }
  try {
    walkTree(path, { file: (entry) => count(entry, false), directory: (entry) => count(entry, true), mountPoint: () => {} })
    count(path, true)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw mapFsError(error, path)
  }
  return { bytes, diskBytes, inodes }
}
