import { type BigIntStats, closeSync, constants, type Dirent, fstatSync, openSync, readdirSync } from 'node:fs'
import { LibpodError } from '../../base/errors.ts'
import { atDescriptor, mountIdOf } from './descriptor-path.ts'

/**
 * What is done with the entries of a tree. `path` begins at an open descriptor, and `parent` is that descriptor's own path, which
 * works whatever the parent's mode is. Both are good only during the call.
 */
export interface TreeVisitor {
  /** Anything but a directory. */
  file(path: Buffer, parent: Buffer): void
  /** A directory, after all that is in it. */
  directory(path: Buffer, parent: Buffer): void
  /** A directory on which something else is mounted; it is never entered. */
  mountPoint(path: Buffer): void
  /** A directory may not be opened: put it right and return, or throw. The root has no `parent`. */
  locked?(path: Buffer, parent: Buffer | undefined, error: unknown): void
}

interface Level {
  /** Closed while the walk is far below. */
  fd: number | undefined
  identity: BigIntStats | undefined
  readonly name: Buffer
  readonly entries: Dirent<Buffer>[]
}

/** So many levels stay open at once, however deep the tree is. */
const openLevels = 64

const openFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Visits everything below a directory, children before their parents, however deep, never through a symbolic link and
 * never across a mount. Synchronous and without recursion: for the helper process.
 */
export function walkTree(root: string | Buffer, visitor: TreeVisitor): void {
  const levels: Level[] = []
  try {
    levels.push(openLevel(Buffer.from(root), undefined, Buffer.alloc(0), visitor))
    const mount = mountIdOf(descriptorOf(levels, 0))
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const entry = level.entries.pop()
      if (entry !== undefined) visit(levels, entry, visitor, mount)
      else leave(levels, visitor)
    }
  } finally {
    for (const { fd } of levels) if (fd !== undefined) closeSync(fd)
  }
}

function visit(levels: Level[], entry: Dirent<Buffer>, visitor: TreeVisitor, mount: string | undefined): void {
  const parent = descriptorOf(levels, levels.length - 1)
  const path = atDescriptor(parent, entry.name)
  if (!entry.isDirectory()) visitor.file(path, atDescriptor(parent))
  else {
    const level = tryOpenLevel(path, atDescriptor(parent), entry.name, visitor)
    if (level?.fd === undefined) return
    if (mountIdOf(level.fd) === mount) enter(levels, level)
    else {
      closeSync(level.fd)
      visitor.mountPoint(path)
    }
  }
}

/** Gives `undefined` when it is no directory any more. */
function tryOpenLevel(path: Buffer, parent: Buffer, name: Buffer, visitor: TreeVisitor): Level | undefined {
  try {
    return openLevel(path, parent, name, visitor)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTDIR' || code === 'ELOOP') visitor.file(path, parent)
    else if (code !== 'ENOENT') throw error
    return undefined
  }
}

function enter(levels: Level[], level: Level): void {
  levels.push(level)
  const far = levels[levels.length - 1 - openLevels]
  if (far?.fd === undefined) return
  far.identity ??= fstatSync(far.fd, { bigint: true })
  closeSync(far.fd)
  far.fd = undefined
}

function leave(levels: Level[], visitor: TreeVisitor): void {
  // Before the level below is closed: it may be the only way to find its parent again.
  const parent = levels.length > 1 ? descriptorOf(levels, levels.length - 2) : undefined
  const level = levels.pop()
  if (level?.fd !== undefined) closeSync(level.fd)
  if (level !== undefined && parent !== undefined) visitor.directory(atDescriptor(parent, level.name), atDescriptor(parent))
}

/** The descriptor of a level; one that was closed is opened again from the level below it, and must still be the same directory. */
function descriptorOf(levels: readonly Level[], index: number): number {
  const level = levels[index]
  if (level === undefined) throw new LibpodError('internal', 'The walk left its tree.', { what: 'walkTree' })
  if (level.fd !== undefined) return level.fd
  const fd = openSync(atDescriptor(descriptorOf(levels, index + 1), '..'), openFlags)
  const { dev, ino } = fstatSync(fd, { bigint: true })
  if (dev !== level.identity?.dev || ino !== level.identity.ino) {
    closeSync(fd)
    throw new LibpodError(
      'conflict',
      'A directory was moved while the tree it is in was walked.',
      { what: level.name.toString() },
      { hint: 'Try again.' },
    )
  }
  level.fd = fd
  return fd
}

function openLevel(path: Buffer, parent: Buffer | undefined, name: Buffer, visitor: TreeVisitor): Level {
  let fd: number
  try {
    fd = openSync(path, openFlags)
  } catch (error) {
    if (visitor.locked === undefined || (error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    visitor.locked(path, parent, error)
    fd = openSync(path, openFlags)
  }
  try {
    return { fd, identity: undefined, name, entries: readdirSync(atDescriptor(fd), { encoding: 'buffer', withFileTypes: true }) }
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
