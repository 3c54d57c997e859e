import { closeSync } from 'node:fs'
import { shownName } from '../corrupt-layer.ts'
import { opaqueWhiteout, whiteoutPrefix } from '../entry.ts'
import { openContent, readEntry, type TreeFile } from '../read-entry.ts'
import type { LayerWarnings } from '../warnings.ts'
import { type Change, changeOf, deletionOf } from './change.ts'
import type { DiffRules, Listing } from './rules.ts'
import { type ListedName, Trail } from './trail.ts'

/** Where a walk goes. */
export interface WalkedTrees {
  readonly own: string
  readonly parent?: string | undefined
}

interface Level {
  /** The directory itself. */
  readonly directory: Change
  readonly prefix: Buffer
  readonly listing: Listing
  readonly hasParent: boolean
  next: number
}

/** The longest path that system calls take. */
const longestPath = 4095

/** So often others have their turn where nothing has changed. */
const burst = 128

/** So often a file is looked at again that was replaced while it was opened. */
const attempts = 4

/** A walk through a tree, with the tree below beside it where there is one. Synchronous and without recursion. */
export class Walk {
  /** The top of the tree. */
  readonly top: TreeFile | undefined
  readonly #rules: DiffRules
  readonly #warnings: LayerWarnings
  readonly #own: Trail
  readonly #parent: Trail | undefined
  readonly #levels: Level[] = []
  /** So many of the levels are in the layer already. */
  #told = 0

  constructor({ own, parent }: WalkedTrees, rules: DiffRules, warnings: LayerWarnings) {
    this.#rules = rules
    this.#warnings = warnings
    this.#own = new Trail(own)
    try {
      this.#parent = parent === undefined ? undefined : new Trail(parent)
      this.top = this.#own.top()
      if (this.top !== undefined) this.#push(this.top, none, this.#parent !== undefined)
    } catch (error) {
      this.close()
      throw error
    }
  }

  close(): void {
    this.#own.close()
    this.#parent?.close()
  }

  /** All changes, the directories that they lie in before them: an entry without those would say nothing of their mode and time. */
  *changes({ topIsNew }: { readonly topIsNew: boolean }): Generator<Change | undefined, void> {
    if (topIsNew) yield* this.#tellDirectories()
    for (let level = this.#levels.at(-1), quiet = 0; level !== undefined; level = this.#levels.at(-1)) {
      if (level.next === 0) yield* this.#deletions(level)
      const listed = level.listing.present[level.next++]
      if (listed === undefined) this.#leave(level)
      else yield* this.#visit(level, listed)
      if (++quiet % burst === 0) yield undefined
    }
  }

  /** Deletions come before what may be new under the same name. */
  *#deletions({ prefix, listing: { opaque, deleted } }: Level): Generator<Change, void> {
    if (opaque) yield* this.#tell(deletionOf(Buffer.concat([prefix, Buffer.from(opaqueWhiteout)])))
    for (const name of deleted) {
      // What is called like a deletion was in no layer.
      if (isReserved(name)) continue
      yield* this.#tell(deletionOf(Buffer.concat([prefix, Buffer.from(whiteoutPrefix), name])))
    }
  }

  *#tell(change: Change): Generator<Change, void> {
    yield* this.#tellDirectories()
    yield change
  }

  *#tellDirectories(): Generator<Change, void> {
    for (const { directory } of this.#levels.slice(this.#told)) yield directory
    this.#told = this.#levels.length
  }

  *#visit({ prefix, hasParent }: Level, { name }: ListedName): Generator<Change, void> {
    const path = Buffer.concat([prefix, name])
    if (isReserved(name)) return this.#leaveOut(path, 'name', 'its name would be a deletion')
    if (path.length > longestPath) return this.#leaveOut(path, 'path', 'its path is longer than any path may be')
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const file = readEntry(this.#own.fd, name, path)
      if (file === undefined) return
      const below = hasParent && this.#parent !== undefined ? readEntry(this.#parent.fd, name, path) : undefined
      const known = below === 'socket' ? undefined : below
      if (file === 'socket' || isNoDevice(file)) {
        // What was there before is gone all the same.
        if (known !== undefined) yield* this.#tell(deletionOf(Buffer.concat([prefix, Buffer.from(whiteoutPrefix), name])))
        const why = file === 'socket' ? 'it is a socket' : 'the device 0:0 would be a deletion'
        return this.#leaveOut(path, why, why)
      }
      const unchanged = this.#rules.isUnchanged(file, known)
      if (unchanged || file.entry.type !== 'file') {
        if (!unchanged) yield* this.#tell(changeOf(file))
        const isEntered = file.entry.type === 'directory' && this.#enter(file, name, known?.entry.type === 'directory')
        if (isEntered && !unchanged) this.#told = this.#levels.length
        return
      }
      const content = openContent(this.#own.fd, name, file)
      if (content === undefined) continue
      try {
        const change = changeOf(file)
        yield* this.#tell({ ...change, entry: { ...change.entry, size: content.size }, fd: content.fd })
      } finally {
        closeSync(content.fd)
      }
      return
    }
    this.#leaveOut(path, path.toString('latin1'), 'it was replaced again and again')
  }

  #enter(directory: TreeFile, name: Buffer, hasParent: boolean): boolean {
    const { name: path } = directory.entry
    const result = this.#own.enter(name)
    if (result === 'mounted') this.#leaveOut(path, 'mount', 'something else is mounted on it', 'What is in the directory')
    if (result !== 'entered') return false
    const withParent = hasParent && this.#parent?.enter(name) === 'entered'
    this.#push(directory, Buffer.concat([path, slash]), withParent)
    return true
  }

  #push(directory: TreeFile, prefix: Buffer, hasParent: boolean): void {
    const listing = this.#rules.list(this.#own, directory, hasParent ? this.#parent : undefined)
    this.#levels.push({ directory: changeOf(directory), prefix, listing, hasParent, next: 0 })
  }

  #leave({ hasParent }: Level): void {
    this.#levels.pop()
    this.#told = Math.min(this.#told, this.#levels.length)
    this.#own.leave()
    if (hasParent) this.#parent?.leave()
  }

  #leaveOut(path: Buffer, topic: string, why: string, what = 'The file'): void {
    this.#warnings.add(`left out: ${topic}`, `${what} ${shownName(path)}, and perhaps others, is left out: ${why}.`)
  }
}

function isReserved(name: Buffer): boolean {
  return name.toString('latin1', 0, whiteoutPrefix.length) === whiteoutPrefix
}

/** Overlay's form of a deletion, in a tree where it means none. */
function isNoDevice({ entry: { type, major, minor } }: TreeFile): boolean {
  return type === 'character-device' && major === 0 && minor === 0
}

const none = Buffer.alloc(0)
const slash = Buffer.from('/')
