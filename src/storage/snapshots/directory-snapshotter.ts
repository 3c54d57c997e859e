import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbortOptions } from '../../base/abort.ts'
import { LibpodError } from '../../base/errors.ts'
import { type Logger, silentLogger } from '../../base/logger.ts'
import { sleep } from '../../base/time.ts'
import { isErrno } from '../../linux/errno.ts'
import { mapFsError } from '../../linux/fs/disk.ts'
import type { ExtractTarget, MountSpec, PrepareOptions, SnapshotInfo, Snapshotter } from '../snapshotter.ts'
import type { DirectoryLock } from './directory-lock.ts'
import { idOf, type PlacedSnapshot, SnapshotFiles } from './snapshot-files.ts'
import type { TreeWork } from './tree-work.ts'

/** What {@link DirectorySnapshotter} is made of. @public */
export interface SnapshotterOptions {
  /** Made if it is not there. Several processes may have it open. */
  readonly root: string
  /** Who does what takes long. */
  readonly work: TreeWork
  readonly logger?: Logger
}

/** What a driver does differently. */
export interface SnapshotForm {
  readonly driver: string
  /** Makes the directories of a new snapshot in `directory`. */
  make(directory: string, parent: PlacedSnapshot | undefined, options: AbortOptions): Promise<void>
  /** The directories below a snapshot on top of `parent`. */
  lowerOf(parent: PlacedSnapshot): readonly string[]
  mounts(snapshot: PlacedSnapshot, options: { readonly readOnly: boolean; readonly volatile: boolean }): readonly MountSpec[]
  extractTarget(path: string): ExtractTarget
}

/** A snapshotter that waits for what it does in the background. @public */
export interface LocalSnapshotter extends Snapshotter {
  /** Resolves when trees removed so far are gone. */
  settled(): Promise<void>
}

/** How long to wait for who is just removing a snapshot, or finds that it cannot. */
const retryMs = 2
/** Who asks whether others build on a snapshot looks for a moment like one who does: so often they must be seen. */
const sightings = 4
/** So many small files are read before the event loop has its turn. */
const slice = 100

/** The part of a snapshotter that does not depend on how its trees are put together. */
export class DirectorySnapshotter implements LocalSnapshotter {
  readonly driver: string
  readonly #form: SnapshotForm
  readonly #files: SnapshotFiles
  readonly #work: TreeWork
  readonly #logger: Logger
  readonly #background = new Set<Promise<void>>()

  constructor({ root, work, logger = silentLogger }: SnapshotterOptions, formOf: (files: SnapshotFiles) => SnapshotForm) {
    this.#files = new SnapshotFiles(root)
    this.#form = formOf(this.#files)
    this.driver = this.#form.driver
    this.#work = work
    this.#logger = logger
    this.#later(() => this.#clearLeftBehind())
    this.#later(() => this.#syncLeftBehind())
  }

  async stat(name: string): Promise<SnapshotInfo | undefined> {
    const snapshot = this.#find(name)
    return snapshot && infoOf(snapshot)
  }

  async prepare(name: string, { parent, signal }: PrepareOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#find(name)) throw nameTaken(name)
    if (parent === undefined) return this.#make(name, undefined, signal)
    const lock = await this.#holdParent(parent, signal)
    try {
      await this.#make(name, this.#parent(parent), signal)
    } finally {
      lock.release()
    }
  }

  async mounts(
    name: string,
    { readOnly = false, volatile = false }: { readonly readOnly?: boolean; readonly volatile?: boolean } = {},
  ): Promise<readonly MountSpec[]> {
    const snapshot = this.#require(name)
    return this.#form.mounts(snapshot, { readOnly: readOnly || snapshot.state === 'committed', volatile })
  }

  async layers(name: string): Promise<readonly string[]> {
    const snapshot = this.#require(name)
    return [treeOf(snapshot.directory), ...snapshot.lower.map((id) => treeOf(this.#files.directory('committed', id)))]
  }

  async extractTarget(name: string): Promise<ExtractTarget> {
    return this.#form.extractTarget(treeOf(this.#active(name, 'extractTarget').directory))
  }

  async commit(name: string, activeName: string, { signal }: AbortOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const active = this.#active(activeName, 'commit')
    try {
      if (await this.#files.commit(active, name)) this.#later(() => this.#sync(name))
      else await this.#drop(active.directory)
    } catch (error) {
      // Another process has just committed or removed it.
      throw isErrno(error, 'ENOENT') ? noSuchSnapshot(activeName) : mapFsError(error, active.directory)
    }
  }

  async remove(name: string): Promise<void> {
    const id = idOf(name)
    // Also one that `find` does not trust any more is removed.
    if (this.#files.read('active', id)) {
      await this.#drop(this.#files.directory('active', id))
      return
    }
    const lock = await this.#holdAlone(name)
    try {
      const children = lock === undefined ? [] : await this.#childrenOf(name)
      if (children.length > 0) throw inUse(name, children)
      if (lock !== undefined) await this.#drop(this.#files.directory('committed', id))
    } finally {
      lock?.release()
    }
  }

  async *list(): AsyncGenerator<SnapshotInfo, void> {
    for await (const snapshot of this.#all()) yield infoOf(snapshot)
  }

  async usage(name: string, options: AbortOptions = {}): Promise<{ readonly sizeBytes: number; readonly inodes: number }> {
    const snapshot = this.#require(name)
    if (snapshot.state === 'active') return this.#work.usage(treeOf(snapshot.directory), options)
    // A committed tree never changes, so that it is counted once.
    const known = join(snapshot.directory, 'usage.json')
    try {
      return JSON.parse(await readFile(known, 'utf8')) as { sizeBytes: number; inodes: number }
    } catch {
      const { sizeBytes, inodes } = await this.#work.usage(treeOf(snapshot.directory), options)
      await writeFile(known, JSON.stringify({ sizeBytes, inodes }), { mode: 0o600 }).catch(() => {})
      return { sizeBytes, inodes }
    }
  }

  async settled(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background)
  }

  #find(name: string): PlacedSnapshot | undefined {
    return this.#files.find('committed', name) ?? this.#files.find('active', name)
  }

  #require(name: string): PlacedSnapshot {
    const snapshot = this.#find(name)
    if (snapshot) return snapshot
    throw noSuchSnapshot(name)
  }

  #parent(name: string): PlacedSnapshot {
    const parent = this.#files.find('committed', name)
    if (parent) return parent
    throw noSuchSnapshot(name)
  }

  #active(name: string, verb: string): PlacedSnapshot {
    const snapshot = this.#files.find('active', name)
    if (snapshot) return snapshot
    if (!this.#files.find('committed', name)) throw noSuchSnapshot(name)
    throw new LibpodError(
      'invalid-state',
      `The snapshot ${name} is committed and does not change any more.`,
      { kind: 'snapshot', ref: name, state: 'committed', allowed: ['active'], verb },
      { hint: 'Prepare a new one on top of it.' },
    )
  }

  async #childrenOf(name: string): Promise<string[]> {
    const children: string[] = []
    for await (const { parent, name: child } of this.#all()) if (parent === name) children.push(child)
    return children
  }

  /** The active ones first: one that is committed meanwhile is seen twice rather than not at all. */
  async *#all(): AsyncGenerator<PlacedSnapshot, void> {
    for (const state of ['active', 'committed'] as const) {
      for (const [index, id] of this.#files.ids(state).entries()) {
        if (index % slice === slice - 1) await new Promise((resolve) => setImmediate(resolve))
        const snapshot = this.#files.read(state, id)
        if (snapshot) yield snapshot
      }
    }
  }

  async #make(name: string, parent: PlacedSnapshot | undefined, signal: AbortSignal | undefined): Promise<void> {
    let begun: Awaited<ReturnType<SnapshotFiles['begin']>> | undefined
    try {
      begun = await this.#files.begin()
      const lower = parent === undefined ? [] : this.#form.lowerOf(parent)
      const stored = { name, ...(parent === undefined ? {} : { parent: parent.name }), lower, createdAt: new Date().toISOString() }
      const described = this.#files.describe(begun.directory, stored)
      described.catch(() => {})
      await this.#form.make(begun.directory, parent, { signal })
      await described
      if (!(await this.#files.appear(begun.directory, stored))) throw nameTaken(name)
    } catch (error) {
      if (begun) await this.#drop(begun.directory)
      signal?.throwIfAborted()
      throw mapFsError(error, this.#files.root)
    } finally {
      begun?.lock.release()
    }
  }

  /** Keeps a snapshot from being removed while another is put on top of it. */
  async #holdParent(name: string, signal: AbortSignal | undefined): Promise<DirectoryLock> {
    for (;;) {
      const lock = this.#files.lock(this.#parent(name).id, 'shared')
      if (lock === 'missing') throw noSuchSnapshot(name)
      if (lock !== 'taken') return lock
      await sleep(retryMs, { signal })
    }
  }

  /** Keeps others from building on a snapshot while it is removed. `undefined` if it is not there. */
  async #holdAlone(name: string): Promise<DirectoryLock | undefined> {
    for (let seen = 0; seen < sightings; ) {
      const lock = this.#files.lock(idOf(name), 'exclusive')
      if (lock === 'missing') return undefined
      if (lock !== 'taken') return lock
      const others = this.#files.lock(idOf(name), 'shared')
      if (typeof others === 'string') seen = 0
      else {
        seen++
        others.release()
      }
      await sleep(retryMs * Math.random())
    }
    throw inUse(name, await this.#childrenOf(name))
  }

  /** Takes a directory out of sight now, and from the disk later. */
  async #drop(directory: string): Promise<void> {
    const trash = await this.#files.discard(directory)
    if (trash !== undefined) this.#clear(trash)
  }

  #clear(path: string): void {
    this.#later(() => this.#work.remove(path))
  }

  /** What was being made by somebody who died, and what was on its way out. */
  async #clearLeftBehind(): Promise<void> {
    await this.#files.discardUnfinished()
    for (const path of this.#files.trash()) this.#clear(path)
  }

  /** Who was killed after a commit did not come to it; without this, the next boot would not trust what it made. */
  async #syncLeftBehind(): Promise<void> {
    for await (const { state, name, unsynced } of this.#all()) if (state === 'committed' && unsynced !== undefined) await this.#sync(name)
  }

  async #sync(name: string): Promise<void> {
    const snapshot = this.#files.find('committed', name)
    if (snapshot === undefined) return
    try {
      await this.#work.sync(snapshot.directory)
      this.#files.markSynced(name)
    } catch (error) {
      // It may have been removed meanwhile, here or by another process; then there is nothing to keep.
      if (this.#files.find('committed', name) !== undefined) throw error
    }
  }

  /** Nobody waits for it: what fails is told, and tried again by the next that opens the root. */
  #later(task: () => Promise<void>): void {
    const running = task()
      .catch((error: unknown) => {
        this.#logger.warn(`Snapshots in ${this.#files.root}: ${error instanceof Error ? error.message : String(error)}`)
      })
      .finally(() => this.#background.delete(running))
    this.#background.add(running)
  }
}

/** Where a snapshot's files lie in its directory. */
export function treeOf(directory: string): string {
  return `${directory}/fs`
}

function infoOf({ name, state, parent, createdAt }: PlacedSnapshot): SnapshotInfo {
  return { name, state, ...(parent === undefined ? {} : { parent }), createdAt: new Date(createdAt) }
}

function inUse(name: string, children: readonly string[]): LibpodError {
  return new LibpodError(
    'in-use',
    `The snapshot ${name} has others on top of it, or one is just being made there.`,
    { kind: 'snapshot', ref: name, users: children.map((child) => `snapshot/${child}`) },
    { hint: 'Remove those first.' },
  )
}

function nameTaken(name: string): LibpodError {
  return new LibpodError('already-exists', `There is a snapshot ${name} already.`, { kind: 'snapshot', name })
}

function noSuchSnapshot(name: string): LibpodError {
  return new LibpodError(
    'not-found',
    `There is no snapshot ${name}.`,
    { kind: 'snapshot', ref: name },
    { hint: 'Pull or load its image again.' },
  )
}
