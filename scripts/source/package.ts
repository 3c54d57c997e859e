import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { entryPoints, exportsOf } from '../entry-points.ts'
import type { Problem } from './files.ts'

/** package.json must offer exactly the entry points that are built, and the version that the code tells. */
export function checkPackage(): Problem[] {
  const problems: Problem[] = []
  const text = readFileSync('package.json', 'utf8')
  const { exports, version } = JSON.parse(text) as { exports: Record<string, unknown>; version: string }
  const lineOfText = (part: string): number => text.slice(0, Math.max(0, text.indexOf(part))).split('\n').length
  const expected: Record<string, unknown> = {
    ...Object.fromEntries(entryPoints.map((entry) => [entry.subpath, exportsOf(entry)])),
    './package.json': './package.json',
  }
  for (const subpath of new Set([...Object.keys(exports), ...Object.keys(expected)])) {
    if (isDeepStrictEqual(exports[subpath], expected[subpath])) continue
    const message = `exports["${subpath}"] should be ${JSON.stringify(expected[subpath]) ?? 'absent'}, as scripts/entry-points.ts says`
    problems.push({ path: 'package.json', line: lineOfText(`"${subpath}"`), message })
  }
  const told = /version = '([^']*)'/.exec(readFileSync('src/runtime/version.ts', 'utf8'))?.[1]
  if (told !== version) problems.push({ path: 'src/runtime/version.ts', line: 1, message: `says ${told}; package.json says ${version}` })
  if (/"resolved": *"http/.test(readFileSync('package-lock.json', 'utf8'))) {
    problems.push({
      path: 'package-lock.json',
      line: 1,
      message: 'names the registry it was made with; .npmrc leaves that out: run npm install again',
    })
  }
  return problems
}
