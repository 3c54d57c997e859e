import { posix } from 'node:path'
import { LibpodError } from '../../base/errors.ts'

/** Something mounted in a container. @public */
export type ContainerMount = BindMount | TmpfsMount

/** A folder or file of the host in the container. @public */
export interface BindMount {
  readonly type: 'bind'
  /** Its absolute path on the host. It must be there. */
  readonly source: string
  /** Its absolute path in the container. */
  readonly target: string
  readonly readOnly?: boolean | undefined
  /** As of mount(8): `nosuid`, `noexec`, `nodev`, `rprivate` (default), `rslave`, `rshared`, `rbind` (default), `bind`, … */
  readonly options?: readonly string[] | undefined
}

/** A file system in memory. @public */
export interface TmpfsMount {
  readonly type: 'tmpfs'
  /** Its absolute path in the container. */
  readonly target: string
  /** Half of the machine's memory if not given. */
  readonly sizeBytes?: number | undefined
  /** The mode of its top folder, as `0o1777`. */
  readonly mode?: number | undefined
  readonly readOnly?: boolean | undefined
  /** `noexec`, `notmpcopyup` (do not show what the image has there), … */
  readonly options?: readonly string[] | undefined
}

/** A mount as it is stored: its options are complete, as the runtime takes them. */
export interface NormalizedMount {
  readonly type: 'bind' | 'tmpfs'
  readonly source: string
  readonly target: string
  readonly options: readonly string[]
}

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
]
const bindOnly = new Set(['bind', 'rbind'])
const tmpfsOnly = new Set(['size', 'mode', 'tmpcopyup', 'notmpcopyup'])

const known = alternatives.flat()

/** Completes a mount's options with the defaults, in Podman's order. The result is also a fixed point: it can be put in again. */
export function normalizeMount(mount: ContainerMount, path: string): NormalizedMount {
  const given = givenOptions(mount)
  for (const option of given) check(option, mount.type, `${path}.options`)
  for (const group of alternatives) {
    const met = given.filter((option) => group.includes(nameOf(option)))
    if (met.length < 2) continue
    throw new LibpodError(
      'invalid-argument',
      `${path}.options: only one of ${met.join(' and ')} can be used.`,
      { path: `${path}.options`, value: met },
      { hint: 'Leave the others out.' },
    )
  }
  const target = normalPath(mount.target)
  const defaults = mount.type === 'bind' ? ['rw', 'rprivate', 'rbind'] : ['rw', 'rprivate', 'nosuid', 'nodev', 'tmpcopyup']
  const missing = defaults.filter((option) => !given.some((other) => sameGroup(option, other)))
  return { type: mount.type, source: mount.type === 'bind' ? normalPath(mount.source) : 'tmpfs', target, options: [...given, ...missing] }
}

/** Whether two options decide the same thing, as `ro` and `rw`. */
export function sameGroup(a: string, b: string): boolean {
  return alternatives.some((group) => group.includes(nameOf(a)) && group.includes(nameOf(b)))
}

function givenOptions(mount: ContainerMount): string[] {
  const options = [...(mount.options ?? [])]
  if (mount.readOnly !== undefined) options.push(mount.readOnly ? 'ro' : 'rw')
  if (mount.type === 'tmpfs' && mount.sizeBytes !== undefined) options.push(`size=${mount.sizeBytes}`)
  if (mount.type === 'tmpfs' && mount.mode !== undefined) options.push(`mode=${mount.mode.toString(8)}`)
  return [...new Set(options)]
}

function check(option: string, type: 'bind' | 'tmpfs', path: string): void {
  const name = nameOf(option)
  const wrong = !known.includes(name)
    ? 'is not a mount option'
    : type === 'tmpfs' && bindOnly.has(name)
      ? 'is for bind mounts only'
      : type === 'bind' && tmpfsOnly.has(name)
        ? 'is for tmpfs only'
        : needsValue(name) !== option.includes('=')
          ? needsValue(name)
            ? 'needs a value'
            : 'takes no value'
          : undefined
  if (wrong === undefined) return
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${JSON.stringify(option)} ${wrong}.`,
    { path, value: option },
    { hint: `Known options: ${known.join(', ')}.` },
  )
}

function needsValue(name: string): boolean {
  return name === 'size' || name === 'mode'
}

function nameOf(option: string): string {
  const equals = option.indexOf('=')
  return equals < 0 ? option : option.slice(0, equals)
}

/** An absolute path without `.`, `..`, double and trailing slashes. */
export function normalPath(path: string): string {
  const normal = posix.normalize(path)
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal
}
