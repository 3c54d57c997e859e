import { posix } from 'node:path'
import { isTest, type Problem, type SourceFile } from './files.ts'

/** The rooms of src from the ground up. docs/architecture.md draws them. */
export const ranks: Readonly<Record<string, number>> = {
  base: 0,
  specs: 1,
  linux: 2,
  config: 3,
  state: 3,
  locks: 3,
  events: 3,
  storage: 4,
  network: 4,
  logs: 4,
  oci: 4,
  hooks: 4,
  images: 5,
  volumes: 5,
  secrets: 5,
  containers: 6,
  pods: 7,
  build: 7,
  runtime: 8,
  kube: 9,
  rest: 10,
  testing: 10,
}

const top = 11

/** Imports go to a strictly lower rank or stay in their room; rooms of one rank never see each other. Tests are exempt. */
export function checkRanks(files: readonly SourceFile[]): Problem[] {
  const problems: Problem[] = []
  for (const file of files) {
    if (isTest(file.path)) continue
    const own = roomOf(file.path)
    if (own !== '' && ranks[own] === undefined) {
      problems.push({ path: file.path, line: 1, message: `the room "${own}" has no rank; give it one in scripts/source/ranks.ts` })
      continue
    }
    for (const { line, specifier } of file.imports) {
      const target = targetOf(file.path, specifier)
      if (target === undefined) continue
      const problem = problemOf(own, target)
      if (problem !== undefined) problems.push({ path: file.path, line, message: `imports ${target}: ${problem}` })
    }
  }
  return problems
}

/** Files that import each other in a circle; types count, since a circle of types is one thing cut into pieces. */
export function checkCycles(files: readonly SourceFile[]): Problem[] {
  const byPath = new Map(files.filter(({ path }) => !isTest(path)).map((file) => [file.path, file]))
  const problems: Problem[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (name: string): void => {
    const file = byPath.get(name)
    if (file === undefined || done.has(name)) return
    path.push(name)
    for (const { line, specifier } of file.imports) {
      const target = targetOf(name, specifier)
      if (target === undefined) continue
      const start = path.indexOf(target)
      if (start < 0) visit(target)
      else problems.push({ path: name, line, message: `closes a circle: ${[...path.slice(start), target].join(' → ')}` })
    }
    path.pop()
    done.add(name)
  }
  for (const name of byPath.keys()) visit(name)
  return problems
}

function roomOf(path: string): string {
  const [, room, ...rest] = path.split('/')
  return room === undefined || rest.length === 0 ? '' : room
}

/** The file that a relative import means, relative to the top of the repository. */
function targetOf(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined
}

function problemOf(own: string, target: string): string | undefined {
  if (!target.startsWith('src/')) return 'that is outside of src'
  const room = roomOf(target)
  if (room === own) return undefined
  const ownRank = own === '' ? top : (ranks[own] ?? top)
  const rank = room === '' ? top : (ranks[room] ?? top)
  if (rank < ownRank) return undefined
  if (rank > ownRank)
    return `${room === '' ? 'the public list' : room} (rank ${rank}) is above ${own} (rank ${ownRank}); take a callback instead`
  return `${room} and ${own} are both of rank ${rank} and must not see each other`
}
