import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crypto, randomHex } from '../../base/crypto.ts'
import { LibpodError } from '../../base/errors.ts'
import { isErrno } from '../../linux/errno.ts'
import { writeFileAtomicSync } from '../../linux/fs/atomic-write.ts'
import { spreadFolders } from '../../linux/fs/inode-flags.ts'
import type { SnapshotInfo } from '../snapshotter.ts'
import { type DirectoryLock, tryLockDirectory } from './directory-lock.ts'

/** What is stored of a snapshot, in a small file inside its directory. */
export interface StoredSnapshot {
  readonly name: string
  readonly parent?: string
  /** The directories of all snapshots below, topmost first: a mount needs them all, and reads only this one file. */
  readonly lower: readonly string[]
  readonly createdAt: string
  /** The boot in which it was committed, until its files are known to be on the disk. */
  readonly unsynced?: string
}

/** A snapshot with the place it has on the disk. */
export interface PlacedSnapshot extends StoredSnapshot {
  readonly state: SnapshotInfo['state']
  /** The short name of its directory, without the way to it. */
  readonly id: string
  readonly directory: string
}

const fileNames = { active: 'active.json', committed: 'committed.json' } as const
const states = ['active', 'committed'] as const

/**
 * The directories of a snapshotter. They are the only truth: `new/` is what is being made, `active/` and `committed/` are
 * what is there, `trash/` is what goes; a snapshot changes its state by one rename. What only looks takes microseconds and is done at
 * once; what changes the disk may have to wait until the file system has written its journal, and does not keep the event loop.
 */
export class SnapshotFiles {
  readonly root: string
  readonly #boot: string

  constructor(root: string) {
    this.root = root
    for (const name of ['new', 'trash', ...states]) mkdirSync(join(root, name), { recursive: true, mode: 0o700 })
    spreadFolders(join(root, 'new'))
    this.#boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  }

  /** A new directory for a snapshot to be made in. It is locked: one that is not has lost its maker. */
  async begin(): Promise<{ readonly directory: string; readonly lock: DirectoryLock }> {
    for (;;) {
      const directory = this.#fresh('new')
      await mkdir(directory, 0o700)
      const lock = tryLockDirectory(directory, 'exclusive')
      // Somebody who clears up came between the two.
      if (typeof lock !== 'string') return { directory, lock }
    }
  }

  /** Takes out of sight what was being made when its maker died. */
  async discardUnfinished(): Promise<void> {
    for (const name of readdirSync(join(this.root, 'new'))) {
      const directory = join(this.root, 'new', name)
      const lock = tryLockDirectory(directory, 'exclusive')
      if (typeof lock === 'string') continue
      await this.discard(directory)
      lock.release()
    }
  }

  /** Locks a committed snapshot: `shared` is who puts another on top of it, `exclusive` who removes it. */
  lock(id: string, mode: 'shared' | 'exclusive'): DirectoryLock | 'taken' | 'missing' {
    return tryLockDirectory(this.directory('committed', id), mode)
  }

  /** Writes into its directory what an active snapshot is. */
  async describe(directory: string, snapshot: StoredSnapshot): Promise<void> {
    await writeFile(join(directory, fileNames.active), JSON.stringify(snapshot), { mode: 0o600 })
  }

  /** Lets an active snapshot appear whole. `false` if its name is taken. */
  appear(directory: string, { name }: StoredSnapshot): Promise<boolean> {
    return this.#move(directory, this.directory('active', idOf(name)))
  }

  /** Lets an active snapshot become the committed one `name`. `false` if that is there already. */
  async commit(active: PlacedSnapshot, name: string): Promise<boolean> {
    const { parent, lower } = active
    const stored: StoredSnapshot = {
      name,
      ...(parent === undefined ? {} : { parent }),
      lower,
      createdAt: new Date().toISOString(),
      unsynced: this.#boot,
    }
    await writeFile(join(active.directory, fileNames.committed), JSON.stringify(stored), { mode: 0o600 })
    const to = this.directory('committed', idOf(name))
    if (await this.#move(active.directory, to)) return true
    if (this.find('committed', name) !== undefined) return false
    await this.discard(to)
    return this.#move(active.directory, to)
  }

  /** Notes that the files of a committed snapshot are on the disk. */
  markSynced(name: string): void {
    const snapshot = this.find('committed', name)
    if (snapshot?.unsynced === undefined) return
    const { parent, lower, createdAt } = snapshot
    const stored: StoredSnapshot = { name, ...(parent === undefined ? {} : { parent }), lower, createdAt }
    try {
      writeFileAtomicSync(join(snapshot.directory, fileNames.committed), JSON.stringify(stored), { durable: true })
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
    }
  }

  /** The snapshot of a name in a state. One whose files a power cut may have taken is not there. */
  find(state: SnapshotInfo['state'], name: string): PlacedSnapshot | undefined {
    const snapshot = this.read(state, idOf(name))
    if (snapshot === undefined || this.#isDoubtful(snapshot)) return undefined
    if (snapshot.name === name) return snapshot
    throw new LibpodError('internal', `The snapshots ${name} and ${snapshot.name} share a directory.`, { what: snapshot.directory })
  }

  /** The snapshot in a directory. */
  read(state: SnapshotInfo['state'], id: string): PlacedSnapshot | undefined {
    const directory = this.directory(state, id)
    const file = join(directory, fileNames[state])
    // Most that are looked for are not there, and an error costs more than a look.
    if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined
    try {
      return { ...(JSON.parse(readFileSync(file, 'utf8')) as StoredSnapshot), state, id, directory }
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      if (error instanceof SyntaxError) return { ...unreadable(id), state, id, directory }
      throw error
    }
  }

  /** The directories of a state. */
  ids(state: SnapshotInfo['state']): string[] {
    return readdirSync(join(this.root, state))
  }

  /** Takes a directory out of sight at once; gives its place in the trash, or `undefined` if it was not there. */
  async discard(directory: string): Promise<string | undefined> {
    const trash = this.#fresh('trash')
    try {
      await rename(directory, trash)
      return trash
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined
      throw error
    }
  }

  /** What lies in the trash. */
  trash(): string[] {
    return readdirSync(join(this.root, 'trash')).map((name) => join(this.root, 'trash', name))
  }

  directory(state: SnapshotInfo['state'], id: string): string {
    return join(this.root, state, id)
  }

  #fresh(folder: 'new' | 'trash'): string {
    return join(this.root, folder, randomHex(12))
  }

  #isDoubtful({ unsynced }: StoredSnapshot): boolean {
    return unsynced !== undefined && unsynced !== this.#boot
  }

  async #move(from: string, to: string): Promise<boolean> {
    try {
      await rename(from, to)
      return true
    } catch (error) {
      if (isErrno(error, 'ENOTEMPTY', 'EEXIST')) return false
      throw error
    }
  }
}

/** 120 bits of a name's hash: short, because 128 of them must fit into the one page of mount options. */
export function idOf(name: string): string {
  const damaged = /^damaged-([\w-]{20})$/.exec(name)?.[1]
  if (damaged !== undefined) return damaged
  return crypto().createHash('sha256').update(name).digest('base64url').slice(0, 20)
}

/** A snapshot whose file is damaged, as after a power cut: it is listed, so that it can be removed, and is good for nothing else. */
function unreadable(id: string): StoredSnapshot {
  return { name: `damaged-${id}`, lower: [], createdAt: new Date(0).toISOString(), unsynced: 'unknown' }
}
