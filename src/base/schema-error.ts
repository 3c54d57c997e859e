import { LibpodError } from './errors.ts'
import { nearest } from './nearest.ts'

/** What zod says of a value that it refuses. */
export interface SchemaIssue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly code?: string
  readonly keys?: readonly string[]
  readonly errors?: readonly (readonly SchemaIssue[])[]
  /** Why a key of a record is refused. */
  readonly issues?: readonly SchemaIssue[]
}

/** As much of a zod schema as is needed to tell which keys an object may have. */
interface SchemaNode {
  readonly def?: {
    readonly type: string
    readonly shape?: Readonly<Record<string, SchemaNode>>
    readonly innerType?: SchemaNode
    readonly element?: SchemaNode
    readonly valueType?: SchemaNode
    readonly options?: readonly SchemaNode[]
  }
}

/** One issue as an error: at the path of the value, and with the names that are near to one that does not exist. */
export function invalidValue(issue: SchemaIssue | undefined, root: string, schema: unknown, value: unknown): LibpodError {
  const { keys, deepest } = furthest(issue)
  const unknown = deepest?.code === 'unrecognized_keys' ? deepest.keys?.[0] : undefined
  const path = formatPath(root, unknown === undefined ? keys : [...keys, unknown])
  if (unknown !== undefined) {
    const known = keysOf(nodeAt(schema as SchemaNode, keys))
    return new LibpodError('invalid-argument', `${path}: there is no such option.`, { path }, hintOf(unknown, known))
  }
  const why = (deepest?.message ?? 'not valid').replace(/^(Invalid (input|option|string|key[^:]*)|Too (small|big)): /, '')
  return new LibpodError('invalid-argument', `${path === '' ? 'The value' : path}: ${why}.`, { path, value: valueAt(value, keys) })
}

/** `mounts`, 0, `target` → `mounts[0].target`. */
export function formatPath(root: string, keys: readonly PropertyKey[]): string {
  return keys.reduce<string>(
    (path, key) => (typeof key === 'number' ? `${path}[${key}]` : path === '' ? String(key) : `${path}.${String(key)}`),
    root,
  )
}

/** A union reports one list of issues per branch; the branch that got furthest is the one the caller meant. */
function furthest(issue: SchemaIssue | undefined): { readonly keys: readonly PropertyKey[]; readonly deepest: SchemaIssue | undefined } {
  let deepest = issue
  let keys: readonly PropertyKey[] = issue?.path ?? []
  while (deepest?.code === 'invalid_union' && deepest.errors?.length) {
    const branches = deepest.errors.map((issues) => issues[0]).filter((branch) => branch !== undefined)
    const next = branches.sort((a, b) => depthOf(b) - depthOf(a))[0]
    if (next === undefined || depthOf(next) === 0) break
    keys = [...keys, ...next.path]
    deepest = next
  }
  return { keys, deepest: deepest?.code === 'invalid_key' ? (deepest.issues?.[0] ?? deepest) : deepest }
}

function depthOf({ path, code }: SchemaIssue): number {
  return path.length + (code === 'unrecognized_keys' ? 1 : 0)
}

function hintOf(unknown: string, known: readonly string[]): { readonly hint?: string } {
  const near = nearest(unknown, known)
  if (near.length > 0) return { hint: `Did you mean ${near.join(' or ')}?` }
  return known.length === 0 || known.length > 20 ? { hint: 'Leave it out.' } : { hint: `The options are ${[...known].sort().join(', ')}.` }
}

function nodeAt(schema: SchemaNode, keys: readonly PropertyKey[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = unwrap(schema)
  for (const key of keys) {
    const def: SchemaNode['def'] = node?.def
    node = unwrap(def?.shape?.[String(key)] ?? def?.element ?? def?.valueType)
  }
  return node
}

function unwrap(schema: SchemaNode | undefined): SchemaNode | undefined {
  let node = schema
  while (node?.def?.innerType) node = node.def.innerType
  return node
}

function keysOf(node: SchemaNode | undefined): string[] {
  const objects = node?.def?.options?.map(unwrap) ?? [node]
  return [...new Set(objects.flatMap((object) => Object.keys(object?.def?.shape ?? {})))]
}

function valueAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  return keys.reduce<unknown>((inner, key) => (Object(inner) === inner ? Reflect.get(inner as object, key) : undefined), value)
}
