import type { MachineFact, MeantDifference } from './differences.ts'
import { flattenConfig } from './flatten.ts'

/** One field that is not the same; `undefined` where it is not there. */
export interface Difference {
  readonly case: string
  readonly path: string
  readonly podman: string | undefined
  readonly ours: string | undefined
}

/** A `config.json`, and the id of its container. */
export interface MadeConfig {
  readonly id: string
  readonly config: unknown
}

/** All differences of one case. The ids of both containers count as the same. */
export function differencesOf(name: string, podman: MadeConfig, ours: MadeConfig): Difference[] {
  const theirFields = fieldsOf(podman)
  const ourFields = fieldsOf(ours)
  return [...new Set([...theirFields.keys(), ...ourFields.keys()])]
    .map((path) => ({ case: name, path, podman: theirFields.get(path), ours: ourFields.get(path) }))
    .filter((difference) => difference.podman !== difference.ours)
}

/** Says what is wrong: differences that nobody named, and named ones that are no more. Empty when all is as it is meant. */
export function judge(input: {
  readonly found: readonly Difference[]
  readonly meant: readonly MeantDifference[]
  readonly cases: readonly string[]
  readonly facts: ReadonlySet<MachineFact>
}): string[] {
  const { found, meant, cases, facts } = input
  const entries = meant.filter(({ where = [] }) => where.every((fact) => facts.has(fact)))
  const unnamed = found
    .filter((difference) => !entries.some((entry) => names(entry, difference)))
    .map((difference) => `${difference.case}: ${difference.path}: Podman has ${difference.podman}, we have ${difference.ours}`)
  const stale = entries
    .filter(({ sometimes = false }) => !sometimes)
    .flatMap((entry) =>
      (entry.cases ?? cases)
        .filter((name) => !entry.except?.includes(name))
        .filter((name) => !found.some((difference) => difference.case === name && names(entry, difference)))
        .map((name) => `${name}: ${entry.path}: named as a difference, but there is none ("${entry.why}")`),
    )
  return [...unnamed, ...stale]
}

function names({ path, cases, except }: MeantDifference, difference: Difference): boolean {
  if (cases !== undefined && !cases.includes(difference.case)) return false
  if (except?.includes(difference.case)) return false
  const words = difference.path.split(' ')
  const wanted = path.split(' ')
  return words.length === wanted.length && wanted.every((word, index) => word === '*' || word === words[index])
}

function fieldsOf({ id, config }: MadeConfig): ReadonlyMap<string, string> {
  const text = JSON.stringify(config).replaceAll(id, '<id>').replaceAll(id.slice(0, 12), '<short id>')
  return flattenConfig(JSON.parse(text))
}
