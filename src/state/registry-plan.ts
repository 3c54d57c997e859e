import { LibpodError } from '../base/errors.ts'
import { readEnvelope, readObject, type StoredObject } from './migrations.ts'
import { checkId, linkKey, linksPrefix, nameKey, objectKey, splitWord, summaryKey, wordOf } from './registry-keys.ts'
import { summaryOf } from './registry-summary.ts'
import type { KindDefinition, RegistryDraft, RegistryObject, RegistryOperation } from './registry-types.ts'
import type { Json, StateChange, StateCheck, StateEntry, StateStore } from './state-store.ts'

/** One operation, looked at against what is stored: what it makes of the object. */
export interface PlannedOperation {
  readonly definition: KindDefinition
  readonly id: string
  /** The entry that was read, which must still be there unchanged. */
  readonly entry: StateEntry | undefined
  readonly before: Pick<StoredObject, 'names' | 'links'>
  /** What is written; `undefined` where the object goes, or stays as it is. */
  readonly draft: RegistryDraft | undefined
  readonly effect: 'create' | 'update' | 'remove' | 'none'
  /** The object as it was read, for an update that changes nothing. */
  readonly current?: RegistryObject
}

const nothing = { names: [], links: [] } as const

/** Reads what the operations are about, at one moment, and asks updates for their drafts. */
export async function planOperations(
  store: StateStore,
  definitionOf: (kind: string) => KindDefinition,
  operations: readonly RegistryOperation[],
): Promise<PlannedOperation[]> {
  const ids = operations.map((operation) => (operation.type === 'create' ? operation.draft.id : operation.id))
  checkOperations(operations, ids)
  const entries = await store.get(operations.flatMap(({ kind }, at) => [objectKey(kind, ids[at] ?? ''), summaryKey(kind, ids[at] ?? '')]))
  const damaged = new Map<string, PlannedOperation['before']>()
  for (const [at, { type, kind }] of operations.entries()) {
    const entry = entries[at * 2]
    const word = wordOf(kind, ids[at] ?? '')
    if (type === 'remove' && entry && !readEnvelope(entry)) damaged.set(word, await searchEnvelope(store, word, entries[at * 2 + 1]))
  }
  return operations.map((operation, at) => {
    const definition = definitionOf(operation.kind)
    const id = ids[at] ?? ''
    const entry = entries[at * 2]
    if (operation.type === 'create')
      return { definition, id, entry: undefined, before: nothing, draft: operation.draft, effect: 'create' } as const
    if (operation.type === 'remove') {
      const before = damaged.get(wordOf(definition.kind, id)) ?? (entry && readEnvelope(entry)) ?? nothing
      return planRemoval(definition, id, entry, before, operation.expectVersion)
    }
    if (entry === undefined) throw noSuchObject(operation.kind, id)
    const current = readObject(definition, id, entry, summaryOf(entries[at * 2 + 1]?.value).summary)
    const draft = operation.change(current)
    if (draft !== undefined && draft.id !== id)
      throw new LibpodError('internal', `An update of ${operation.kind} ${id} gave another id.`, { what: 'registry' })
    return { definition, id, entry, before: current, draft, effect: draft === undefined ? 'none' : 'update', current } as const
  })
}

function checkOperations(operations: readonly RegistryOperation[], ids: readonly string[]): void {
  for (const id of ids) checkId(id)
  const words = new Set(operations.map(({ kind }, at) => wordOf(kind, ids[at] ?? '')))
  if (words.size < operations.length) throw new LibpodError('internal', 'A commit names an object twice.', { what: 'registry' })
}

/** What a damaged object held, from what stands beside it. This reads every link, but happens as good as never. */
async function searchEnvelope(store: StateStore, word: string, summary: StateEntry | undefined): Promise<PlannedOperation['before']> {
  const links: string[] = []
  for (let after: string | undefined; ; ) {
    const page = await store.list(linksPrefix(), { limit: 1000, ...(after === undefined ? {} : { after }) })
    for (const { key } of page) if (key.endsWith(`/${word}`)) links.push(key.slice(linksPrefix().length, -word.length - 1))
    if (page.length < 1000) return { names: summaryOf(summary?.value).names, links }
    after = page.at(-1)?.key
  }
}

function planRemoval(
  definition: KindDefinition,
  id: string,
  entry: StateEntry | undefined,
  before: PlannedOperation['before'],
  expectVersion?: string,
): PlannedOperation {
  if (entry === undefined) return { definition, id, entry, before: nothing, draft: undefined, effect: 'none' }
  if (expectVersion !== undefined && entry.version !== expectVersion)
    throw new LibpodError(
      'conflict',
      `The ${definition.kind} ${id.slice(0, 12)} was changed by somebody else.`,
      { what: wordOf(definition.kind, id) },
      { hint: 'Read it again and decide anew.' },
    )
  return { definition, id, entry, before, draft: undefined, effect: 'remove' }
}

export function noSuchObject(kind: string, ref: string): LibpodError<'not-found'> {
  const shown = /^[0-9a-f]{64}$/.test(ref) ? ref.slice(0, 12) : JSON.stringify(ref.length > 300 ? `${ref.slice(0, 300)}…` : ref)
  return new LibpodError('not-found', `There is no ${kind} ${shown}.`, { kind, ref }, { hint: `${kind}s.list() tells what there is.` })
}

/** The one write of all operations, with everything it depends on as checks. */
export function changeOf(operations: readonly PlannedOperation[]): StateChange {
  const effective = operations.filter(({ effect }) => effect !== 'none')
  const wordsOf = (which: string) =>
    new Set(effective.filter(({ effect }) => effect === which).map(({ definition, id }) => wordOf(definition.kind, id)))
  const created = wordsOf('create')
  const removed = wordsOf('remove')
  const checks: StateCheck[] = []
  const puts = new Map<string, Json>()
  const deletes = new Set<string>()
  for (const operation of effective) for (const key of keysGiven(operation)) deletes.add(key)
  for (const operation of effective) {
    const { definition, id, entry, draft } = operation
    const word = wordOf(definition.kind, id)
    const key = objectKey(definition.kind, id)
    checks.push(entry === undefined ? { key, exists: false } : { key, version: entry.version })
    if (draft === undefined) {
      checks.push({ prefix: linksPrefix(word), exists: false })
      continue
    }
    for (const name of added(draft.names, operation.before.names)) {
      const held = nameKey(definition.nameScope, name)
      // A name that another operation gives up in this commit is ours; that one's version guards it.
      if (!deletes.delete(held)) checks.push({ key: held, exists: false })
      if (puts.has(held))
        throw new LibpodError('already-exists', `Two objects of one commit take the name ${JSON.stringify(name)}.`, {
          kind: definition.kind,
          name,
        })
      puts.set(held, { kind: definition.kind, id })
    }
    for (const link of added(draft.links, operation.before.links)) {
      const { kind, id: target } = splitWord(link)
      if (removed.has(link)) throw noSuchObject(kind, target)
      if (!created.has(link)) checks.push({ key: objectKey(kind, target), exists: true })
      puts.set(linkKey(link, word), null)
    }
    const names = [...draft.names]
    puts.set(key, { format: definition.format, names, links: [...draft.links], body: draft.body })
    puts.set(summaryKey(definition.kind, id), { names, summary: draft.summary })
  }
  return { checks, puts: [...puts].map(([key, value]) => ({ key, value })), deletes: [...deletes] }
}

/** The keys an operation no longer needs. */
function keysGiven({ definition, id, before, draft }: PlannedOperation): string[] {
  const word = wordOf(definition.kind, id)
  const given = [
    ...added(before.names, draft?.names ?? []).map((name) => nameKey(definition.nameScope, name)),
    ...added(before.links, draft?.links ?? []).map((link) => linkKey(link, word)),
  ]
  return draft === undefined ? [...given, objectKey(definition.kind, id), summaryKey(definition.kind, id)] : given
}

/** What is in `all` and not in `old`, each once. */
function added(all: readonly string[], old: readonly string[]): string[] {
  return [...new Set(all)].filter((item) => !old.includes(item))
}
