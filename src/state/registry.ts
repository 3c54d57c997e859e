import { isLibpodError, LibpodError } from '../base/errors.ts'
import { sleep } from '../base/time.ts'
import { readObject } from './migrations.ts'
import { checkId, objectKey, summaryKey, wordOf } from './registry-keys.ts'
import { changeOf, noSuchObject, type PlannedOperation, planOperations } from './registry-plan.ts'
import { findRefusal, usersOf } from './registry-refusal.ts'
import { resolveReference } from './registry-resolve.ts'
import { summaryOf } from './registry-summary.ts'
import type {
  KindDefinition,
  RegistryChange,
  RegistryDraft,
  RegistryObject,
  RegistryOperation,
  RegistryOptions,
  RegistrySummary,
} from './registry-types.ts'
import type { StateListOptions, StateStore } from './state-store.ts'

/** How often a commit is tried against faster writers; the last tries are some 100 ms apart. */
const maxAttempts = 100

/**
 * Objects with unique names, links between them and summaries, over any {@link StateStore}. What containers, images,
 * volumes and networks have in common is written here, once; their bodies are none of its business.
 */
export class Registry {
  readonly #store: StateStore
  readonly #kinds: ReadonlyMap<string, KindDefinition>
  readonly #onCommit: RegistryOptions['onCommit']

  constructor(store: StateStore, { kinds, onCommit }: RegistryOptions) {
    this.#store = store
    this.#kinds = new Map(kinds.map((definition) => [definition.kind, definition]))
    this.#onCommit = onCommit
  }

  /** The object of a full id. Rejects with `corrupt` or `unsupported` if its body cannot be read. */
  async get(kind: string, id: string): Promise<RegistryObject | undefined> {
    const definition = this.#definition(kind)
    checkId(id)
    const [entry, summary] = await this.#store.get([objectKey(kind, id), summaryKey(kind, id)])
    return entry && readObject(definition, id, entry, summaryOf(summary?.value).summary)
  }

  /** The object that a full id, a name, or the beginning of an id means. Rejects with `ambiguous`. */
  async find(kind: string, ref: string): Promise<RegistryObject | undefined> {
    const id = await resolveReference(this.#store, this.#definition(kind), ref)
    return id === undefined ? undefined : this.get(kind, id)
  }

  /** The full id that a full id, a name, or the beginning of an id means. Rejects with `not-found` or `ambiguous`. */
  async resolve(kind: string, ref: string): Promise<string> {
    const id = await resolveReference(this.#store, this.#definition(kind), ref)
    if (id === undefined) throw noSuchObject(kind, ref)
    return id
  }

  /** Writes a new object. Rejects with `already-exists` if its id or a name is taken, `not-found` if what it links to is gone. */
  async create(kind: string, draft: RegistryDraft): Promise<RegistryObject> {
    const [created] = await this.commit([{ type: 'create', kind, draft }])
    return required(created)
  }

  /** Changes an object, asking `change` again if another writer was faster. Rejects with `not-found` if it is gone. */
  async update(kind: string, id: string, change: RegistryChange): Promise<RegistryObject> {
    const [updated] = await this.commit([{ type: 'update', kind, id, change }])
    return required(updated)
  }

  /** Removes an object, unless others link to it (`in-use`). `false` if it was not there. */
  async remove(kind: string, id: string, { expectVersion }: { readonly expectVersion?: string } = {}): Promise<boolean> {
    const [planned] = await this.#commit([{ type: 'remove', kind, id, ...(expectVersion === undefined ? {} : { expectVersion }) }])
    return planned?.effect === 'remove'
  }

  /**
   * Does several things at once, or none of them. Gives the objects as they are afterwards, `undefined` for those removed.
   * A removal counts users as they were before: to remove an object and its last user takes two commits.
   */
  async commit(operations: readonly RegistryOperation[]): Promise<(RegistryObject | undefined)[]> {
    const planned = await this.#commit(operations)
    return planned.map(({ result }) => result)
  }

  /** A page of summaries in the order of ids. No body is read, so a damaged one disturbs no list. */
  async list(kind: string, { after, limit = 1000 }: StateListOptions = {}): Promise<RegistrySummary[]> {
    this.#definition(kind)
    const prefix = summaryKey(kind, '')
    const page = await this.#store.list(prefix, { limit, ...(after === undefined ? {} : { after: summaryKey(kind, after) }) })
    return page.map(({ key, value }) => {
      const { names, summary } = summaryOf(value)
      return { id: key.slice(prefix.length), names, summary }
    })
  }

  /** All summaries, page by page, letting the event loop turn between two pages. */
  async *iterate(kind: string, { pageSize = 500 }: { readonly pageSize?: number } = {}): AsyncGenerator<RegistrySummary[], void> {
    for (let after: string | undefined; ; ) {
      const page = await this.list(kind, { limit: pageSize, ...(after === undefined ? {} : { after }) })
      if (page.length > 0) yield page
      if (page.length < pageSize) return
      after = page.at(-1)?.id
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** The objects that link to this one, as `kind/id`. */
  async users(kind: string, id: string): Promise<string[]> {
    checkId(id)
    return usersOf(this.#store, wordOf(kind, id))
  }

  async count(kind: string): Promise<number> {
    let count = 0
    for await (const page of this.iterate(kind)) count += page.length
    return count
  }

  async #commit(operations: readonly RegistryOperation[]): Promise<(PlannedOperation & { readonly result: RegistryObject | undefined })[]> {
    for (let attempt = 1; ; attempt++) {
      const planned = await planOperations(this.#store, (kind) => this.#definition(kind), operations)
      const change = changeOf(planned)
      if ((change.checks ?? []).length === 0) return planned.map((operation) => ({ ...operation, result: operation.current }))
      try {
        const versions = await this.#store.commit(change)
        const written = new Map((change.puts ?? []).map(({ key }, at) => [key, versions[at] ?? '']))
        this.#tell(planned)
        return planned.map((operation) => ({ ...operation, result: resultOf(operation, written) }))
      } catch (error) {
        if (!isLibpodError(error, 'conflict') || attempt === maxAttempts) throw error
        const refusal = await findRefusal(this.#store, planned)
        if (refusal) throw refusal
        await sleep(Math.random() * Math.min(attempt, 50))
      }
    }
  }

  #tell(planned: readonly PlannedOperation[]): void {
    this.#onCommit?.(planned.filter(({ effect }) => effect !== 'none').map(({ definition, id }) => wordOf(definition.kind, id)))
  }

  #definition(kind: string): KindDefinition {
    const definition = this.#kinds.get(kind)
    if (definition) return definition
    throw new LibpodError('internal', `No kind of objects is called ${JSON.stringify(kind)} here.`, { what: kind })
  }
}

function resultOf({ definition, id, draft, current }: PlannedOperation, written: ReadonlyMap<string, string>): RegistryObject | undefined {
  if (draft === undefined) return current
  return { ...draft, kind: definition.kind, version: written.get(objectKey(definition.kind, id)) ?? '' }
}

function required(object: RegistryObject | undefined): RegistryObject {
  if (object) return object
  throw new LibpodError('internal', 'The registry lost an object it had just written.', { what: 'registry' })
}
