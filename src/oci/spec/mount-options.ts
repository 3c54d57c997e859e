import { LibpodError } from '../../base/errors.ts'

/** What can be mounted. */
export type MountType = 'bind' | 'image' | 'tmpfs' | 'volume'

/** Options of which a mount has at most one each. */
const alternatives: readonly (readonly string[])[] = [
  ['ro', 'rw'],
  ['exec', 'noexec'],
  ['suid', 'nosuid'],
  ['dev', 'nodev'],
  ['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared', 'unbindable', 'runbindable'],
  ['bind', 'rbind'],
  ['tmpcopyup', 'notmpcopyup'],
  ['size'],
  ['mode'],
  ['copy', 'nocopy'],
  ['z', 'Z'],
  ['U'],
]

/** Options that only some types know, with how those are called in a message. */
const restricted: readonly { readonly options: readonly string[]; readonly types: readonly MountType[]; readonly words: string }[] = [
  { options: ['bind', 'rbind'], types: ['bind', 'image', 'volume'], words: 'bind mounts only' },
  { options: ['size', 'mode', 'tmpcopyup', 'notmpcopyup'], types: ['tmpfs'], words: 'tmpfs only' },
  { options: ['copy', 'nocopy'], types: ['volume'], words: 'volumes only' },
  { options: ['z', 'Z', 'U'], types: ['bind', 'volume'], words: 'bind mounts and volumes only' },
]

const defaults: Readonly<Record<MountType, readonly string[]>> = {
  bind: ['rw', 'rprivate', 'rbind'],
  image: ['ro', 'rprivate', 'nosuid', 'nodev', 'rbind'],
  tmpfs: ['rw', 'rprivate', 'nosuid', 'nodev', 'tmpcopyup'],
  volume: ['rw', 'rprivate', 'nosuid', 'nodev', 'rbind'],
}

/** What the engine does itself, or runtimes do when they are told nothing. */
const unspoken = new Set(['notmpcopyup', 'copy', 'nocopy', 'z', 'Z', 'U'])

const known = alternatives.flat()

/** Throws `invalid-argument` for an option that is none, or none of this type of mount, and for two that contradict each other. */
export function checkMountOptions(given: readonly string[], type: MountType, path: string): void {
  for (const option of given) check(option, type, path)
  for (const group of alternatives) {
    const met = given.filter((option) => group.includes(nameOf(option)))
    if (met.length < 2) continue
    throw new LibpodError(
      'invalid-argument',
      `${path}: only one of ${met.join(' and ')} can be used.`,
      { path, value: met },
      { hint: 'Leave the others out.' },
    )
  }
}

/** The options with the defaults of their type behind them. */
export function completeMountOptions(given: readonly string[], type: MountType): string[] {
  return [...given, ...defaults[type].filter((option) => !given.some((other) => sameGroup(option, other)))]
}

/** The options that the OCI runtime is told. */
export function runtimeMountOptions(options: readonly string[]): string[] {
  return options.filter((option) => !unspoken.has(option))
}

/** Whether two options decide the same thing, as `ro` and `rw`. */
export function sameGroup(a: string, b: string): boolean {
  return alternatives.some((group) => group.includes(nameOf(a)) && group.includes(nameOf(b)))
}

function check(option: string, type: MountType, path: string): void {
  const wrong = whatIsWrong(option, type)
  if (wrong === undefined) return
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${JSON.stringify(option)} ${wrong}.`,
    { path, value: option },
    { hint: `Known options: ${known.join(', ')}.` },
  )
}

function whatIsWrong(option: string, type: MountType): string | undefined {
  const name = nameOf(option)
  if (!known.includes(name)) return 'is not a mount option'
  const rule = restricted.find(({ options }) => options.includes(name))
  if (rule && !rule.types.includes(type)) return `is for ${rule.words}`
  const needsValue = name === 'size' || name === 'mode'
  if (needsValue === option.includes('=')) return undefined
  return needsValue ? 'needs a value' : 'takes no value'
}

function nameOf(option: string): string {
  const equals = option.indexOf('=')
  return equals < 0 ? option : option.slice(0, equals)
}
