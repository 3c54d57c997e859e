import { LibpodError } from './errors.ts'

/**
 * What a list is narrowed by, as Podman and Docker do it: the values of one key are alternatives, except that labels
 * must all match; every key must match.
 *
 * @public
 */
export type Filters<Key extends string = string> = { readonly [K in Key]?: string | readonly string[] | undefined }

/** How one object is compared with one value of each key. A test throws `invalid-argument` for a value it cannot take. */
export type FilterTable<Subject> = Readonly<Record<string, (subject: Subject, value: string) => boolean>>

/** Keys whose values must all match, because an object has many labels but only one status. */
const conjunctive: ReadonlySet<string> = new Set(['label', 'label!'])

/** Makes one test of `filters`. Refuses unknown keys with `invalid-argument`, naming the known ones. */
export function matchFilters<Subject>(
  table: FilterTable<Subject>,
  filters: Filters | undefined,
  path = 'filters',
): (subject: Subject) => boolean {
  if (typeof (filters ?? {}) !== 'object') throw notFilters(filters, path)
  const tests = Object.entries(filters ?? {}).flatMap(([key, given]) => {
    const values = given === undefined ? [] : Array.isArray(given) ? given : [given]
    const test = Object.hasOwn(table, key) ? table[key] : undefined
    if (test === undefined) throw unknownKey(key, table, path)
    for (const value of values) checkValue(value, `${path}.${key}`)
    if (values.length === 0) return []
    const matches = (subject: Subject, value: string): boolean => test(subject, value)
    return conjunctive.has(key)
      ? [(subject: Subject) => values.every((value) => matches(subject, value))]
      : [(subject: Subject) => values.some((value) => matches(subject, value))]
  })
  return (subject) => tests.every((test) => test(subject))
}

/**
 * Reads the values of one key, each once and before there is anything to compare: a value that is none is refused by an empty list, too.
 * Gives what each of them was read as.
 */
export function readValues<Value>(given: string | readonly string[] | undefined, read: (value: string) => Value): (value: string) => Value {
  // What is no text is refused by matchFilters, which knows the key.
  const texts = new Set([given ?? []].flat().filter((value) => typeof value === 'string'))
  const values = new Map(Array.from(texts, (value) => [value, read(value)]))
  return (value) => (values.has(value) ? (values.get(value) as Value) : read(value))
}

/** `key` or `key=value` against an object's labels. */
export function matchesLabel(labels: Readonly<Record<string, string>>, value: string): boolean {
  const at = value.indexOf('=')
  const key = at < 0 ? value : value.slice(0, at)
  return Object.hasOwn(labels, key) && (at < 0 || labels[key] === value.slice(at + 1))
}

/** `true` or `false`, as programs and people write them. */
export function parseFlag(value: string, path: string): boolean {
  if (/^(true|1|t|yes)$/i.test(value)) return true
  if (/^(false|0|f|no)$/i.test(value)) return false
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${JSON.stringify(value)} is neither true nor false.`,
    { path, value },
    { hint: 'Write true or false.' },
  )
}

/** A regular expression, as the filter `name` takes them. */
export function parsePattern(value: string, path = 'filters.name'): RegExp {
  try {
    return new RegExp(value)
  } catch (cause) {
    throw new LibpodError(
      'invalid-argument',
      `${path}: ${JSON.stringify(value)} is not a regular expression.`,
      { path, value },
      { cause, hint: 'Escape what has a meaning there, as in "web\\\\+1".' },
    )
  }
}

/** Refuses a status that nothing can have: a list would be empty, and nobody would know why. */
export function checkStatusFilter(status: string, known: readonly string[], path: string): void {
  if (known.includes(status)) return
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${JSON.stringify(status)} is not a status.`,
    { path, value: status },
    { hint: `The statuses are ${known.join(', ')}.` },
  )
}

function checkValue(value: unknown, path: string): void {
  if (typeof value === 'string') return
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${typeof value === 'bigint' ? `${value}n` : JSON.stringify(value)} is not a text.`,
    { path, value },
    { hint: 'Filters are texts or lists of texts.' },
  )
}

function notFilters(value: unknown, path: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: ${JSON.stringify(value)} is not an object.`,
    { path, value },
    { hint: "Name what to filter by, as in { status: 'running' }." },
  )
}

function unknownKey(key: string, table: FilterTable<never>, path: string): LibpodError {
  const known = Object.keys(table).sort().join(', ')
  return new LibpodError(
    'invalid-argument',
    `${path}.${key}: there is no filter of this name.`,
    { path: `${path}.${key}` },
    { hint: `The filters are ${known}.` },
  )
}
