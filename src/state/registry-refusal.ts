import { LibpodError } from '../base/errors.ts'
import { linksPrefix, nameKey, objectKey, splitWord, wordOf } from './registry-keys.ts'
import { noSuchObject, type PlannedOperation } from './registry-plan.ts'
import type { StateStore } from './state-store.ts'

/** After a conflict: why the operations cannot be, or `undefined` if it was only another writer being faster. */
export async function findRefusal(store: StateStore, operations: readonly PlannedOperation[]): Promise<LibpodError | undefined> {
  const given = new Set(
    operations.flatMap(({ definition, before, draft }) =>
      before.names.filter((name) => !draft?.names.includes(name)).map((name) => nameKey(definition.nameScope, name)),
    ),
  )
  const created = new Set(operations.filter(({ effect }) => effect === 'create').map(({ definition, id }) => wordOf(definition.kind, id)))
  for (const operation of operations) {
    const refusal =
      operation.draft === undefined
        ? await findUsers(store, operation)
        : await findObstacle(store, operation, operation.draft, given, created)
    if (refusal) return refusal
  }
  return undefined
}

async function findUsers(store: StateStore, { definition, id, effect }: PlannedOperation): Promise<LibpodError | undefined> {
  if (effect !== 'remove') return undefined
  const users = await usersOf(store, wordOf(definition.kind, id))
  if (users.length === 0) return undefined
  const shown = users.slice(0, 3).map((user) => user.replace(/[0-9a-f]{64}$/, (whole) => whole.slice(0, 12)))
  const more = users.length > shown.length ? ` and ${users.length - shown.length} more` : ''
  return new LibpodError(
    'in-use',
    `The ${definition.kind} ${id.slice(0, 12)} is used by ${shown.join(', ')}${more}.`,
    { kind: definition.kind, ref: id, users },
    { hint: 'Remove what uses it first.' },
  )
}

async function findObstacle(
  store: StateStore,
  { definition, id, entry, before }: PlannedOperation,
  draft: NonNullable<PlannedOperation['draft']>,
  given: ReadonlySet<string>,
  created: ReadonlySet<string>,
): Promise<LibpodError | undefined> {
  const names = draft.names.filter((name) => !before.names.includes(name) && !given.has(nameKey(definition.nameScope, name)))
  const links = draft.links.filter((link) => !before.links.includes(link) && !created.has(link))
  const [own, ...rest] = await store.get([
    objectKey(definition.kind, id),
    ...names.map((name) => nameKey(definition.nameScope, name)),
    ...links.map((link) => objectKey(splitWord(link).kind, splitWord(link).id)),
  ])
  if (entry === undefined && own) return taken(definition.kind, id, { kind: definition.kind, id })
  for (const [at, name] of names.entries()) {
    const holder = rest[at]?.value as { readonly kind: string; readonly id: string } | undefined
    if (holder) return taken(definition.kind, name, holder)
  }
  const missing = links.find((_, at) => rest[names.length + at] === undefined)
  return missing === undefined ? undefined : noSuchObject(splitWord(missing).kind, splitWord(missing).id)
}

function taken(kind: string, name: string, holder: { readonly kind: string; readonly id: string }): LibpodError {
  return new LibpodError(
    'already-exists',
    `The name ${JSON.stringify(name)} is taken by ${holder.kind} ${holder.id.slice(0, 12)}.`,
    { kind, name, id: holder.id },
    { hint: 'Choose another name, or remove or rename that one.' },
  )
}

/** Every user of an object, as `kind/id`. */
export async function usersOf(store: StateStore, word: string): Promise<string[]> {
  const prefix = linksPrefix(word)
  const users: string[] = []
  for (let after: string | undefined; ; ) {
    const page = await store.list(prefix, { limit: 1000, ...(after === undefined ? {} : { after }) })
    users.push(...page.map(({ key }) => key.slice(prefix.length)))
    if (page.length < 1000) return users
    after = page.at(-1)?.key
  }
}
