import { LibpodError } from '../base/errors.ts'
import { badValue, booleanOf, type ConfValue, isTable, textOf, textsOf } from './conf-values.ts'
import type { MirrorRule, RegistriesConf, RegistryRule, ShortNameMode } from './registries-conf.ts'
import { parseToml } from './toml.ts'

const manual = 'containers-registries.conf(5)'
const modes: readonly string[] = ['enforcing', 'permissive', 'disabled'] satisfies readonly ShortNameMode[]
const pullFrom: readonly string[] = ['all', 'digest-only', 'tag-only'] satisfies readonly MirrorRule['pullFrom'][]

/** Lays one file over what the earlier ones said: a registry of the same prefix replaces the earlier one whole. */
export async function applyRegistriesConf(before: RegistriesConf, file: string, text: string): Promise<RegistriesConf> {
  const document = await parseToml(file, text)
  if (isTable(document['registries'])) throw oldVersion(file)
  const at = (key: string): ConfValue | undefined =>
    document[key] === undefined || document[key] === '' ? undefined : { value: document[key], file, key, manual }
  const search = at('unqualified-search-registries')
  const mode = at('short-name-mode')
  const rules = registriesOf(at('registry'), file)
  const replaced = new Set(rules.map(({ prefix }) => prefix))
  return {
    searchRegistries: search === undefined ? before.searchRegistries : textsOf(search, before.searchRegistries),
    shortNameMode: mode === undefined ? before.shortNameMode : (oneOf(mode, modes) as ShortNameMode),
    aliases: aliasesOf(before.aliases, at('aliases')),
    registries: [...before.registries.filter(({ prefix }) => !replaced.has(prefix)), ...rules],
  }
}

/** An empty text takes an alias of an earlier file away. */
function aliasesOf(before: RegistriesConf['aliases'], value: ConfValue | undefined): RegistriesConf['aliases'] {
  if (value === undefined) return before
  if (!isTable(value.value)) throw badValue(value, 'a table of names')
  const aliases = { ...before }
  for (const [name, full] of Object.entries(value.value)) {
    const text = textOf({ ...value, value: full, key: `aliases.${name}` })
    if (text === '') delete aliases[name]
    else aliases[name] = text
  }
  return aliases
}

function registriesOf(value: ConfValue | undefined, file: string): readonly RegistryRule[] {
  return tablesOf(value).map((table, index): RegistryRule => {
    const at = reader(table, file, `registry[${index}]`)
    const location = at('location', textOf)
    const prefix = at('prefix', textOf) ?? location
    if (prefix === undefined || prefix === '')
      throw badValue({ value: undefined, file, key: `registry[${index}].location`, manual }, 'given, or a prefix in its place')
    const digestOnly = at('mirror-by-digest-only', booleanOf) ?? false
    return {
      prefix: trimmed(prefix),
      location: location === undefined || location === '' ? undefined : trimmed(location),
      insecure: at('insecure', booleanOf) ?? false,
      blocked: at('blocked', booleanOf) ?? false,
      mirrors: mirrorsOf(
        at('mirror', (mirrors) => mirrors),
        file,
        digestOnly,
      ),
    }
  })
}

function mirrorsOf(value: ConfValue | undefined, file: string, digestOnly: boolean): readonly MirrorRule[] {
  return tablesOf(value).map((table, index): MirrorRule => {
    const key = `${value?.key ?? 'mirror'}[${index}]`
    const at = reader(table, file, key)
    const location = at('location', textOf)
    if (location === undefined || location === '') throw badValue({ value: location, file, key: `${key}.location`, manual }, 'given')
    const from = at('pull-from-mirror', (given) => oneOf(given, pullFrom) as MirrorRule['pullFrom'])
    return {
      location: trimmed(location),
      insecure: at('insecure', booleanOf) ?? false,
      pullFrom: from ?? (digestOnly ? 'digest-only' : 'all'),
    }
  })
}

function reader(
  table: Readonly<Record<string, unknown>>,
  file: string,
  path: string,
): <T>(key: string, read: (value: ConfValue) => T) => T | undefined {
  return (key, read) => (table[key] === undefined ? undefined : read({ value: table[key], file, key: `${path}.${key}`, manual }))
}

function tablesOf(value: ConfValue | undefined): readonly Readonly<Record<string, unknown>>[] {
  if (value === undefined) return []
  if (Array.isArray(value.value) && value.value.every(isTable)) return value.value
  throw badValue(value, 'a list of tables')
}

function oneOf(value: ConfValue, words: readonly string[]): string {
  const text = textOf(value)
  if (words.includes(text)) return text
  throw badValue(value, words.map((word) => `"${word}"`).join(' or '))
}

function trimmed(text: string): string {
  return text.replace(/\/+$/, '')
}

function oldVersion(file: string): LibpodError {
  return new LibpodError(
    'unsupported',
    `${file} is written in the first version of its format, with a [registries] table.`,
    { what: 'registries.conf version 1' },
    { hint: `Write unqualified-search-registries and [[registry]] instead; ${manual} describes them.` },
  )
}
