type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

type SyscallCondition = { readonly index: number; readonly value: number; readonly valueTwo?: number; readonly op: string }

type SyscallRule = {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly SyscallCondition[]
}

/**
 * A `config.json` as single fields by their paths: the words of a path are parted by blanks. What is a list there, but is
 * told apart by a name, is taken by that name: mounts by destination, limits by type, … The order of mounts is not compared:
 * Podman's own differs from one container to the next, but for parents before what lies below them.
 */
export function flattenConfig(config: unknown): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  walk(config as Json, [], fields)
  return fields
}

/** How lists are taken apart, by path. A list that is not here is one field. */
const lists: Readonly<Record<string, (items: readonly Json[]) => Json>> = {
  'process env': (items) => named(items.map((item) => splitOnce(String(item)))),
  'process rlimits': (items) => byKey(items, 'type'),
  'process user additionalGids': sorted,
  'process capabilities bounding': sorted,
  'process capabilities effective': sorted,
  'process capabilities permitted': sorted,
  'process capabilities inheritable': sorted,
  'process capabilities ambient': sorted,
  mounts: (items) => byKey(items.map(withSortedOptions), 'destination'),
  'linux namespaces': (items) => byKey(items, 'type'),
  'linux devices': (items) => byKey(items, 'path'),
  'linux maskedPaths': sorted,
  'linux readonlyPaths': sorted,
  'linux seccomp architectures': sorted,
  'linux seccomp syscalls': syscalls,
}

function walk(value: Json, path: readonly string[], fields: Map<string, string>): void {
  const at = path.join(' ')
  const apart = Array.isArray(value) ? lists[at]?.(value) : value
  const entries = apart === undefined || apart === null || Array.isArray(apart) ? [] : Object.entries(apart as object)
  if (typeof apart !== 'object' || entries.length === 0) fields.set(at, JSON.stringify(apart ?? value))
  else for (const [key, inner] of entries) walk(inner as Json, [...path, key], fields)
}

/** What happens to each call: however rules are grouped, each call with each condition has its actions, in their order. */
function syscalls(rules: readonly Json[]): Json {
  const actions: Record<string, string[]> = {}
  for (const rule of rules as readonly SyscallRule[]) {
    const condition = rule.args?.length ? `(${rule.args.map(conditionOf).join('&')})` : ''
    const outcome = rule.errnoRet === undefined ? rule.action : `${rule.action} ${rule.errnoRet}`
    for (const name of rule.names) {
      const known = actions[`${name}${condition}`] ?? []
      actions[`${name}${condition}`] = known.includes(outcome) ? known : [...known, outcome]
    }
  }
  return actions
}

function conditionOf({ index, value, valueTwo = 0, op }: SyscallCondition): string {
  return [index, value, valueTwo, op].join()
}

function withSortedOptions(mount: Json): Json {
  const { options, ...rest } = mount as { options?: Json[] }
  return { ...rest, ...(options === undefined ? {} : { options: sorted(options) }) }
}

function byKey(items: readonly Json[], key: string): { readonly [key: string]: Json } {
  return named(items.map((item) => [textAt(item, key), item]))
}

/** Two of one name would hide each other: that is no list that can be compared so. */
function named(entries: readonly (readonly [string, Json])[]): { readonly [key: string]: Json } {
  const result: Record<string, Json> = {}
  for (const [name, value] of entries) {
    if (name in result && JSON.stringify(result[name]) !== JSON.stringify(value)) throw new Error(`${name} is there twice, and differs.`)
    result[name] = value
  }
  return result
}

function textAt(item: Json, key: string): string {
  return String((item as { readonly [key: string]: Json })[key])
}

function splitOnce(text: string): readonly [string, string] {
  const equals = text.indexOf('=')
  return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
}

function sorted(items: readonly Json[]): Json[] {
  return [...new Set(items.map((item) => JSON.stringify(item)))].sort().map((text) => JSON.parse(text) as Json)
}
