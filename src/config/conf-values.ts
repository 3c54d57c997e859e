import { LibpodError } from '../base/errors.ts'

/** A value of a configuration file, with where it stands. */
export interface ConfValue {
  readonly value: unknown
  readonly file: string
  /** As `containers.pids_limit`. */
  readonly key: string
  /** What describes the file; containers.conf(5) if not given. */
  readonly manual?: string
}

/** Refuses a value that is of the wrong kind. */
export function badValue({ value, file, key, manual = 'containers.conf(5)' }: ConfValue, expected: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${file}: ${key} must be ${expected}.`,
    { path: `${file}: ${key}`, value },
    { hint: `Correct the file; ${manual} describes its keys.` },
  )
}

export function textOf(value: ConfValue): string {
  if (typeof value.value === 'string') return value.value
  throw badValue(value, 'a text')
}

export function booleanOf(value: ConfValue): boolean {
  if (typeof value.value === 'boolean') return value.value
  throw badValue(value, 'true or false')
}

export function integerOf(value: ConfValue): number {
  if (typeof value.value === 'number' && Number.isSafeInteger(value.value)) return value.value
  throw badValue(value, 'a whole number')
}

/** A list of texts; containers.conf lets a table `{ append = true }` among them say that it adds to the list of earlier files. */
export function textsOf(value: ConfValue, before: readonly string[]): string[] {
  if (!Array.isArray(value.value)) throw badValue(value, 'a list of texts')
  const texts: string[] = []
  let append = false
  for (const item of value.value as readonly unknown[]) {
    if (typeof item === 'string') texts.push(item)
    else if (isTable(item) && typeof item['append'] === 'boolean') append = item['append']
    else throw badValue(value, 'a list of texts')
  }
  return append ? [...before, ...texts] : texts
}

/** A list of `NAME=value` as a record; one without `=` means nothing here and is left out. */
export function assignmentsOf(value: ConfValue, before: Readonly<Record<string, string>>): Record<string, string> {
  const texts = textsOf(
    value,
    Object.entries(before).map(([name, text]) => `${name}=${text}`),
  )
  const pairs = texts.map((text): [string, string] => [text.slice(0, Math.max(0, text.indexOf('='))), text.slice(text.indexOf('=') + 1)])
  return Object.fromEntries(pairs.filter(([name]) => name !== ''))
}

/** `65536k`, `1g`, `512m` or a bare number of bytes. */
export function bytesOf(value: ConfValue): number {
  const match = /^(\d+)\s*([kmgt]?)(?:i?b)?$/i.exec(String(value.value).trim())
  const power = ['', 'k', 'm', 'g', 't'].indexOf(match?.[2]?.toLowerCase() ?? '')
  if (match?.[1] === undefined) throw badValue(value, 'a size such as "65536k"')
  return Number(match[1]) * 1024 ** power
}

/** `nofile=1024:2048`, `nproc=4096`: soft and hard limit, `-1` for none. */
export function ulimitsOf(value: ConfValue): Record<string, { readonly soft: number; readonly hard: number }> {
  const limits: Record<string, { readonly soft: number; readonly hard: number }> = {}
  for (const text of textsOf(value, [])) {
    const match = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/i.exec(text)
    if (match?.[1] === undefined || match[2] === undefined) throw badValue(value, 'a list of limits such as "nofile=1024:2048"')
    const soft = Number(match[2])
    limits[match[1].toLowerCase()] = { soft, hard: match[3] === undefined ? soft : Number(match[3]) }
  }
  return limits
}

export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
