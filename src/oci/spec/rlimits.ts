import { LibpodError } from '../../base/errors.ts'
import type { Zod } from '../../base/schema.ts'
import { clampRlimit, parseRlimitName, type Rlimit } from '../../linux/rlimits.ts'
import type { RuntimeRlimit } from '../../specs/runtime-spec.ts'
import type { SpecHost } from './spec-host.ts'

/** What each process in the container may use. @public */
export interface UlimitOptions {
  /**
   * Limits by name, as `{ nofile: 1024, core: { soft: 0, hard: -1 } }`; -1 is "unlimited". `nofile` and `nproc` are 1,048,576 if
   * not given. `'host'` keeps this process's own limits. No limit goes above what this process may give.
   */
  readonly ulimits?: 'host' | Readonly<Record<string, number | Ulimit>> | undefined
}

/** A soft and a hard limit; -1 is "unlimited". @public */
export interface Ulimit {
  readonly soft: number
  readonly hard: number
}

/** The limits as they are stored: by their names in lower case. */
export interface NormalizedUlimits {
  readonly ulimits: 'host' | Readonly<Record<string, Ulimit>>
}

/** What Podman gives root's containers when nobody says otherwise. */
const defaultLimit = 1_048_576

export const ulimitShape = (z: Zod) => {
  const limit = z.int().min(-1)
  return {
    ulimits: z.union([z.literal('host'), z.record(z.string(), z.union([limit, z.strictObject({ soft: limit, hard: limit })]))]).optional(),
  }
}

/** Throws `invalid-argument` for a name that is none, and for a soft limit above its hard one. */
export function normalizeUlimits({ ulimits = {} }: UlimitOptions): NormalizedUlimits {
  if (ulimits === 'host') return { ulimits }
  const limits: Record<string, Ulimit> = {}
  for (const [given, value] of Object.entries(ulimits)) {
    const path = `ulimits.${given}`
    const { soft, hard } = typeof value === 'number' ? { soft: value, hard: value } : value
    if (fromOption(soft) > fromOption(hard))
      throw new LibpodError('invalid-argument', `${path}: the soft limit is above the hard one.`, { path, value })
    limits[shortName(given, path)] = { soft, hard }
  }
  return { ulimits: limits }
}

/** `process.rlimits`: the caller's, containers.conf's, the defaults; never above what the kernel lets this process give. */
export function processRlimits({ ulimits }: NormalizedUlimits, host: SpecHost): RuntimeRlimit[] | undefined {
  if (ulimits === 'host') return undefined
  const fallback = { soft: defaultLimit, hard: defaultLimit }
  const wanted: Readonly<Record<string, Ulimit>> = { nofile: fallback, nproc: fallback, ...host.defaults.defaultUlimits, ...ulimits }
  return Object.entries(wanted).map(([name, limit]) => rlimitOf(name, limit, host))
}

function rlimitOf(name: string, limit: Ulimit, { rlimits, canRaiseLimits, openFilesMax }: SpecHost): RuntimeRlimit {
  const type = `RLIMIT_${shortName(name, `containers.default_ulimits: ${name}`).toUpperCase()}`
  const known = parseRlimitName(type)
  const asked: Rlimit = { soft: fromOption(limit.soft), hard: fromOption(limit.hard) }
  const clamped = clampRlimit(asked, known === undefined ? undefined : rlimits.get(known), canRaiseLimits)
  const most = type === 'RLIMIT_NOFILE' ? openFilesMax : Number.POSITIVE_INFINITY
  return { type, hard: Math.min(clamped.hard, most), soft: Math.min(clamped.soft, most) }
}

function shortName(text: string, path: string): string {
  const name = parseRlimitName(text)
  if (name !== undefined) return name.slice('RLIMIT_'.length).toLowerCase()
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${JSON.stringify(text)} is not the name of a limit.`,
    { path, value: text },
    { hint: 'Limits are named as in setrlimit(2), in lower case and without RLIMIT_: nofile, nproc, core, memlock, …' },
  )
}

/** The options are JSON, which has no Infinity. */
function fromOption(limit: number): number {
  return limit === -1 ? Number.POSITIVE_INFINITY : limit
}
