import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { sleep } from '../../base/time.ts'
import type { Registry } from '../../state/registry.ts'
import type { RegistryObject, RegistryOperation } from '../../state/registry-types.ts'
import type { ContentStore } from '../content-store.ts'
import type { ImageRecord, ImageStore } from '../image-store.ts'
import type { Snapshotter } from '../snapshotter.ts'
import { draftOf, imageKind, recordOf } from './image-kind.ts'

/** What {@link openImageStore} works on. */
export interface ImageStoreParts {
  /** Knows {@link imageKind}. Whoever uses an image links to `image/<id>`. */
  readonly registry: Registry
  readonly content: ContentStore
  readonly snapshots: Snapshotter
  /** Called with an image that a list leaves out because it cannot be read. */
  readonly onDamaged?: (id: string, error: unknown) => void
}

/** So many images are read before the event loop has its turn. */
const slice = 100
/** How often a change is planned anew because names moved meanwhile. */
const attempts = 100
const { kind } = imageKind

/** Images as objects of the registry. Names, links and versions are its business; moving a name is this store's. */
export function openImageStore(parts: ImageStoreParts): ImageStore {
  return new LocalImageStore(parts)
}

class LocalImageStore implements ImageStore {
  readonly content: ContentStore
  readonly snapshots: Snapshotter
  readonly #registry: Registry
  readonly #onDamaged: ImageStoreParts['onDamaged']
  #closed = false

  constructor({ registry, content, snapshots, onDamaged }: ImageStoreParts) {
    this.#registry = registry
    this.content = content
    this.snapshots = snapshots
    this.#onDamaged = onDamaged
  }

  async get(by: { readonly id: string } | { readonly name: string }): Promise<ImageRecord | undefined> {
    this.#check()
    if ('name' in by) {
      const holder = await this.#holderOf(by.name)
      return holder && recordOf(holder)
    }
    const object = await this.#registry.get(kind, by.id)
    return object && recordOf(object)
  }

  async list({ after, limit = 1000 }: { readonly after?: string; readonly limit?: number } = {}): Promise<ImageRecord[]> {
    const records: ImageRecord[] = []
    for (let last = after; records.length < limit; ) {
      this.#check()
      const wanted = Math.min(limit - records.length, slice)
      const page = await this.#registry.list(kind, { limit: wanted, ...(last === undefined ? {} : { after: last }) })
      const read = await Promise.all(page.map(({ id }) => this.#readListed(id)))
      records.push(...read.filter((record) => record !== undefined))
      // What was removed since, or cannot be read, leaves room: a page that is short says that it is the last.
      if (page.length < wanted) break
      last = page.at(-1)?.id
      await new Promise((resolve) => setImmediate(resolve))
    }
    return records
  }

  async put(record: ImageRecord, { expect }: { readonly expect?: string | 'absent' } = {}): Promise<ImageRecord> {
    for (let attempt = 1; ; attempt++) {
      this.#check()
      try {
        return await this.#putOnce(record, expect)
      } catch (error) {
        // A name went to yet another image, or the image that held it went, since it was looked up.
        if (!isLibpodError(error, 'already-exists') && !isLibpodError(error, 'not-found')) throw error
        if (attempt === attempts) throw error
        await sleep(Math.random() * Math.min(attempt, 20))
      }
    }
  }

  async remove(id: string, { expect }: { readonly expect?: string } = {}): Promise<void> {
    this.#check()
    if (await this.#registry.remove(kind, id, expect === undefined ? {} : { expectVersion: expect })) return
    throw new LibpodError('not-found', `There is no image ${id.slice(0, 12)} (any more).`, { kind, ref: id })
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  /** One commit: the record, and the names taken from the images that held them. */
  async #putOnce(record: ImageRecord, expect: string | undefined): Promise<ImageRecord> {
    const { id } = record
    const there = await this.#registry.get(kind, id)
    if (expect !== undefined && expect !== (there?.version ?? 'absent')) throw changed(id)
    const write: RegistryOperation =
      there === undefined
        ? { type: 'create', kind, draft: draftOf(record) }
        : {
            type: 'update',
            kind,
            id,
            change(current) {
              if (expect !== undefined && expect !== current.version) throw changed(id)
              return draftOf(record)
            },
          }
    const held = new Set(there?.names)
    const holders = await Promise.all(record.names.filter((name) => !held.has(name)).map((name) => this.#holderOf(name)))
    const others = new Set(holders.flatMap((holder) => (holder === undefined || holder.id === id ? [] : [holder.id])))
    const [written] = await this.#registry.commit([write, ...[...others].map((other) => withoutNames(other, record.names))])
    if (written) return recordOf(written)
    throw new LibpodError('internal', `Image ${id.slice(0, 12)} was not written.`, { what: `image/${id}` })
  }

  /** The image that holds a name. One that is just moving is looked for again. */
  async #holderOf(name: string): Promise<RegistryObject | undefined> {
    for (let attempt = 1; ; attempt++) {
      const id = await this.#meant(name)
      const object = id === undefined ? undefined : await this.#registry.get(kind, id)
      if (object?.names.includes(name)) return object
      // A text that is no image's name may still be an id, or the beginning of one: that is not what was asked for.
      if (id === undefined || id.startsWith(name) || attempt === attempts) return undefined
      await sleep(Math.random() * Math.min(attempt, 20))
    }
  }

  async #meant(name: string): Promise<string | undefined> {
    try {
      return await this.#registry.resolve(kind, name)
    } catch (error) {
      if (isLibpodError(error, 'not-found') || isLibpodError(error, 'ambiguous')) return undefined
      throw error
    }
  }

  /** One image that is damaged must not take the list away from the others. */
  async #readListed(id: string): Promise<ImageRecord | undefined> {
    try {
      const object = await this.#registry.get(kind, id)
      return object && recordOf(object)
    } catch (error) {
      if (!isLibpodError(error, 'corrupt') && !isLibpodError(error, 'unsupported')) throw error
      this.#onDamaged?.(id, error)
      return undefined
    }
  }

  #check(): void {
    if (this.#closed)
      throw new LibpodError('closed', 'The image store is closed.', { what: 'image store' }, { hint: 'Open a new runtime.' })
  }
}

function withoutNames(id: string, taken: readonly string[]): RegistryOperation {
  return {
    type: 'update',
    kind,
    id,
    change({ kind: _, version: __, ...draft }) {
      const names = draft.names.filter((name) => !taken.includes(name))
      return names.length === draft.names.length ? undefined : { ...draft, names }
    },
  }
}

function changed(id: string): LibpodError<'conflict'> {
  return new LibpodError(
    'conflict',
    `Image ${id.slice(0, 12)} was changed by somebody else.`,
    { what: `image/${id}` },
    { hint: 'Read it again and decide anew.' },
  )
}
