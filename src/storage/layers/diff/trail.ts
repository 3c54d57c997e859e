import { type BigIntStats, closeSync, constants, fstatSync, openSync, readdirSync } from 'node:fs'
import { LibpodError } from '../../../base/errors.ts'
import { isErrno } from '../../../linux/errno.ts'
import { atDescriptor, mountIdOf } from '../../../linux/fs/descriptor-path.ts'
import { readEntry, type TreeFile } from '../read-entry.ts'

/** A name in a directory, and what kind the directory says it is. */
export interface ListedName {
  readonly name: Buffer
  readonly isDirectory: boolean
  readonly isCharacterDevice: boolean
}

interface Level {
  /** Closed while the trail goes on far below. */
  fd: number | undefined
  identity: BigIntStats | undefined
}

/** So many directories stay open at once, however deep the trail is. */
const openLevels = 64

const openFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The way from the top of a tree down to one of its directories, by descriptors: no link and no mount can lead it out, and it may be of any length. */
export class Trail {
  readonly #levels: Level[] = []
  readonly #mount: string | undefined

  constructor(root: string) {
    const fd = openSync(root, openFlags)
    this.#levels.push({ fd, identity: undefined })
    this.#mount = mountIdOf(fd)
  }

  /** The directory that the trail ends in. */
  get fd(): number {
    return this.#open(this.#levels.length - 1)
  }

  /** The top of the tree, if it is still there; only before the first `enter`. */
  top(): TreeFile | undefined {
    const top = readEntry(this.fd, Buffer.alloc(0), Buffer.from('.'))
    return top === 'socket' ? undefined : top
  }

  /** What is in it, sorted by the bytes of the names. */
  list(): ListedName[] {
    const entries = readdirSync(atDescriptor(this.fd), { encoding: 'buffer', withFileTypes: true })
    return entries
      .map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory(), isCharacterDevice: entry.isCharacterDevice() }))
      .sort((one, other) => Buffer.compare(one.name, other.name))
  }

  /** Goes into a directory. Does nothing when it is none any more (`gone`), or something is mounted on it. */
  enter(name: Buffer): 'entered' | 'gone' | 'mounted' {
    let fd: number
    try {
      fd = openSync(atDescriptor(this.fd, name), openFlags)
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return 'gone'
      throw error
    }
    if (mountIdOf(fd) !== this.#mount) {
      closeSync(fd)
      return 'mounted'
    }
    this.#levels.push({ fd, identity: undefined })
    this.#closeFar()
    return 'entered'
  }

  /** Goes back up. */
  leave(): void {
    // Before it is closed: it may be the only way to find the one above again.
    if (this.#levels.length > 1) this.#open(this.#levels.length - 2)
    const level = this.#levels.pop()
    if (level?.fd !== undefined) closeSync(level.fd)
  }

  close(): void {
    for (const { fd } of this.#levels.splice(0)) if (fd !== undefined) closeSync(fd)
  }

  #closeFar(): void {
    const far = this.#levels[this.#levels.length - 1 - openLevels]
    if (far?.fd === undefined) return
    far.identity ??= fstatSync(far.fd, { bigint: true })
    closeSync(far.fd)
    far.fd = undefined
  }

  /** The descriptor of a level; one that was closed is opened again from the level below it, and must still be the same directory. */
  #open(index: number): number {
    const level = this.#levels[index]
    if (level === undefined) throw new LibpodError('internal', 'The walk left its tree.', { what: 'Trail' })
    if (level.fd !== undefined) return level.fd
    const fd = openSync(atDescriptor(this.#open(index + 1), '..'), openFlags)
    const { dev, ino } = fstatSync(fd, { bigint: true })
    if (dev !== level.identity?.dev || ino !== level.identity.ino) {
      closeSync(fd)
      throw new LibpodError(
        'conflict',
        'A directory was moved while its tree was compared.',
        { what: 'tree' },
        { hint: 'Pause what works in it, and try again.' },
      )
    }
    level.fd = fd
    return fd
  }
}
