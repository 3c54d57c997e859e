import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs'
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../native/constants.ts'
import { libc } from '../native/libc.ts'
import { getXattr, listXattrs, setXattr } from '../xattr.ts'
import { copyFileData } from './copy-file.ts'
import { atDescriptor } from './descriptor-path.ts'
import { mapFsError } from './disk.ts'

/** A directory that is being copied; all levels down to it are open. */
interface Level {
  readonly from: number
  readonly to: number
  /** From the top of the copy. */
  readonly path: Buffer
  readonly stats: BigIntStats
  readonly names: Buffer[]
}

const openDirectory = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Copies what is in a directory, and all that belongs to it, into an empty one: owners, modes, times to the nanosecond, extended
 * attributes, links among files, devices, holes. Follows no link. Nobody may change either tree meanwhile. For the helper process:
 * synchronous, but it comes back after each file or some megabytes, so that whoever runs it can look up.
 */
export function* copyTree(from: string, to: string): Generator<void, void> {
  const copier = new TreeCopier(from, to)
  try {
    while (copier.step()) yield
  } catch (error) {
    throw mapFsError(error, to)
  } finally {
    copier.close()
  }
}

class TreeCopier {
  readonly #levels: Level[] = []
  /** Where the first of several names of a file is in the copy. */
  readonly #linked = new Map<string, Buffer>()
  readonly #root: number
  #file: Generator<void, void> | undefined

  constructor(from: string, to: string) {
    this.#root = openSync(to, openDirectory)
    try {
      this.#open(Buffer.from(from), Buffer.from(to), Buffer.alloc(0))
    } catch (error) {
      this.close()
      throw mapFsError(error, from)
    }
  }

  /** Copies the next thing; `false` when all is done. */
  step(): boolean {
    if (this.#file !== undefined) {
      if (this.#file.next().done) this.#file = undefined
      return true
    }
    const level = this.#levels.at(-1)
    if (level === undefined) return false
    const name = level.names.pop()
    if (name === undefined) this.#leave(level)
    else this.#copy(level, name)
    return true
  }

  close(): void {
    this.#file?.return()
    for (const { from, to } of this.#levels.splice(0)) for (const fd of [from, to]) closeSync(fd)
    closeSync(this.#root)
  }

  #open(from: Buffer, to: Buffer, path: Buffer): void {
    const opened = [openSync(from, openDirectory)]
    try {
      opened.push(openSync(to, openDirectory))
      const [source = -1, copy = -1] = opened
      const names = readdirSync(atDescriptor(source), { encoding: 'buffer' })
      this.#levels.push({ from: source, to: copy, path, stats: fstatSync(source, { bigint: true }), names })
    } catch (error) {
      for (const fd of opened) closeSync(fd)
      throw error
    }
  }

  /** The directory itself comes last, because what is put into it changes its time. */
  #leave({ from, to, stats }: Level): void {
    copyMetadata(atDescriptor(from, '.'), atDescriptor(to, '.'), stats)
    this.#levels.pop()
    for (const fd of [from, to]) closeSync(fd)
  }

  #copy(level: Level, name: Buffer): void {
    const [from, to] = [atDescriptor(level.from, name), atDescriptor(level.to, name)]
    const path = level.path.length === 0 ? name : Buffer.concat([level.path, slash, name])
    const stats = lstatSync(from, { bigint: true })
    if (stats.isDirectory()) {
      libc().mkdirat(AT_FDCWD, to, 0o700)
      this.#open(from, to, path)
      return
    }
    if (stats.nlink > 1n) {
      const key = `${stats.dev}:${stats.ino}`
      const first = this.#linked.get(key)
      if (first !== undefined) {
        libc().linkat(this.#root, first, AT_FDCWD, to)
        return
      }
      this.#linked.set(key, path)
    }
    if (stats.isFile()) this.#file = copyFile(from, to, stats)
    else {
      if (stats.isSymbolicLink()) symlinkSync(readlinkSync(from, { encoding: 'buffer' }), to)
      else libc().mknod(to, Number(stats.mode), Number(stats.rdev))
      copyMetadata(from, to, stats)
    }
  }
}

function* copyFile(from: Buffer, to: Buffer, stats: BigIntStats): Generator<void, void> {
  yield* copyFileData(from, to)
  copyMetadata(from, to, stats)
}

/** Owner, mode, attributes and times, in this order: a change of the owner takes setuid and capabilities away. */
export function copyMetadata(from: Buffer, to: Buffer, stats: BigIntStats): void {
  libc().lchown(to, Number(stats.uid), Number(stats.gid))
  if (!stats.isSymbolicLink()) libc().fchmodat(AT_FDCWD, to, Number(stats.mode) & 0o7777)
  for (const name of listXattrs(from)) {
    const value = getXattr(from, name)
    if (value !== undefined) setXattr(to, name, value)
  }
  libc().utimensat(AT_FDCWD, to, stats.atimeNs, stats.mtimeNs, AT_SYMLINK_NOFOLLOW)
}

const slash = Buffer.from('/')
