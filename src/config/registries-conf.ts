/** What `registries.conf` says, complete with its defaults. */
export interface RegistriesConf {
  /** Where a name without a registry is looked for, in this order. */
  readonly searchRegistries: readonly string[]
  readonly shortNameMode: ShortNameMode
  /** What a name without a registry stands for: name to full name without a tag. */
  readonly aliases: Readonly<Record<string, string>>
  readonly registries: readonly RegistryRule[]
}

/** Whether a name that could be in several registries is refused, or looked for in each. */
export type ShortNameMode = 'enforcing' | 'permissive' | 'disabled'

/** One `[[registry]]`: holds for the names that begin with its prefix. */
export interface RegistryRule {
  /** A host, with as much of a name as it is about; or `*.` and a domain. */
  readonly prefix: string
  /** What takes the place of the prefix; the prefix itself if not given. */
  readonly location: string | undefined
  /** Plain HTTP and certificates that prove nothing are good enough. */
  readonly insecure: boolean
  readonly blocked: boolean
  readonly mirrors: readonly MirrorRule[]
}

/** A place that has the same images. */
export interface MirrorRule {
  readonly location: string
  readonly insecure: boolean
  /** Which images are asked for there. */
  readonly pullFrom: 'all' | 'digest-only' | 'tag-only'
}

/** What holds when no file says otherwise. */
export const defaultRegistriesConf: RegistriesConf = {
  searchRegistries: [],
  shortNameMode: 'permissive',
  aliases: {},
  registries: [],
}

/** The rule for a full name: that with the longest prefix. */
export function registryRuleFor({ registries }: RegistriesConf, name: string): RegistryRule | undefined {
  let best: RegistryRule | undefined
  let longest = 0
  for (const rule of registries) {
    const length = matchedLength(rule.prefix, name)
    // Of equals the first one: files that come later have replaced it already.
    if (length > longest) [best, longest] = [rule, length]
  }
  return best
}

/** How much of a name a prefix covers: it ends where a part of the name ends. A host is not one with a port. */
function matchedLength(prefix: string, name: string): number {
  if (prefix.startsWith('*.')) return matchedDomain(prefix.slice(1), name)
  const ends = prefix.includes('/') ? /^([/:@]|$)/ : /^(\/|$)/
  return name.startsWith(prefix) && ends.test(name.slice(prefix.length)) ? prefix.length : 0
}

/** `*.example.com` is for hosts below that domain. */
function matchedDomain(suffix: string, name: string): number {
  const [host = ''] = name.split('/')
  const [domain = ''] = suffix.split('/')
  if (!host.endsWith(domain) || host.length === domain.length) return 0
  return matchedLength(`${host}${suffix.slice(domain.length)}`, name)
}
