import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync } from 'node:fs'
import { isErrno } from '../../linux/errno.ts'
import { atDescriptor } from '../../linux/fs/descriptor-path.ts'
import { getXattr, listXattrs } from '../../linux/xattr.ts'
import type { EntryTime, LayerEntry, LayerEntryType } from './entry.ts'

/** A file of a tree as it is now. */
export interface TreeFile {
  /** What its entry in a layer says, with all its attributes, also those that mean something to this machine only. */
  readonly entry: LayerEntry
  /** The same for all names of one file. */
  readonly inode: string
  readonly links: number
  /** The room it takes on the disk. */
  readonly diskBytes: number
}

/**
 * Reads what the directory open as `parent` has under `name`, without following a link. `path` is the name that its entry gets. Gives
 * `undefined` when there is nothing (any more), and `socket` for what no layer can have.
 */
export function readEntry(parent: number, name: Buffer, path: Buffer): TreeFile | 'socket' | undefined {
  const place = name.length === 0 ? atDescriptor(parent, '.') : atDescriptor(parent, name)
  try {
    const stats = lstatSync(place, { bigint: true })
    const type = typeOf(stats)
    if (type === 'socket') return type
    const linkName = type === 'symlink' ? readlinkSync(place, { encoding: 'buffer' }) : Buffer.alloc(0)
    return fileOf(stats, type, path, linkName, readXattrs(place))
  } catch (error) {
    // EINVAL: it was a link a moment ago.
    if (isErrno(error, 'ENOENT', 'EINVAL')) return undefined
    throw error
  }
}

/**
 * Opens a regular file for reading its content, never anything else. Gives `undefined` when the name means another file by now. The
 * size that counts is the one it has then.
 */
export function openContent(parent: number, name: Buffer, { inode }: TreeFile): { readonly fd: number; readonly size: number } | undefined {
  let fd: number
  try {
    fd = openSync(atDescriptor(parent, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ELOOP', 'ENXIO', 'ENOTDIR')) return undefined
    throw error
  }
  let kept = false
  try {
    const stats = fstatSync(fd, { bigint: true })
    kept = inodeOf(stats) === inode && stats.isFile()
    return kept ? { fd, size: Number(stats.size) } : undefined
  } finally {
    if (!kept) closeSync(fd)
  }
}

function fileOf(stats: BigIntStats, type: LayerEntryType, name: Buffer, linkName: Buffer, xattrs: ReadonlyMap<string, Buffer>): TreeFile {
  const isDevice = type === 'character-device' || type === 'block-device'
  return {
    entry: {
      type,
      name,
      linkName,
      mode: Number(stats.mode & 0o7777n),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      mtime: timeOf(stats.mtimeNs),
      size: type === 'file' ? Number(stats.size) : 0,
      major: isDevice ? Number(((stats.rdev >> 8n) & 0xfffn) | ((stats.rdev >> 32n) & 0xfffff000n)) : 0,
      minor: isDevice ? Number((stats.rdev & 0xffn) | ((stats.rdev >> 12n) & 0xffffff00n)) : 0,
      xattrs,
    },
    inode: inodeOf(stats),
    links: Number(stats.nlink),
    diskBytes: Number(stats.blocks) * 512,
  }
}

function typeOf(stats: BigIntStats): LayerEntryType | 'socket' {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isCharacterDevice()) return 'character-device'
  if (stats.isBlockDevice()) return 'block-device'
  return stats.isFIFO() ? 'fifo' : 'socket'
}

function readXattrs(place: Buffer): ReadonlyMap<string, Buffer> {
  const names = listXattrs(place)
  if (names.length === 0) return noXattrs
  const xattrs = new Map<string, Buffer>()
  for (const name of names.sort()) {
    const value = getXattr(place, name)
    if (value !== undefined) xattrs.set(name, value)
  }
  return xattrs
}

const noXattrs: ReadonlyMap<string, Buffer> = new Map()

function timeOf(nanosecondsSinceEpoch: bigint): EntryTime {
  const nanoseconds = ((nanosecondsSinceEpoch % second) + second) % second
  return { seconds: Number((nanosecondsSinceEpoch - nanoseconds) / second), nanoseconds: Number(nanoseconds) }
}

function inodeOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
}

const second = 1_000_000_000n
