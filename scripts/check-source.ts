import { readSourceFiles } from './source/files.ts'
import { checkPackage } from './source/package.ts'
import { checkCycles, checkRanks } from './source/ranks.ts'
import { checkRules } from './source/rules.ts'

/** Ranks, circles and house rules. Prints `file:line: what is wrong`, which editors and terminals make a link of. */
const files = readSourceFiles(['src', 'test', 'examples', 'bench', 'scripts'])
const source = files.filter(({ path }) => path.startsWith('src/'))
const problems = [...checkRanks(source), ...checkCycles(source), ...files.flatMap(checkRules), ...checkPackage()]

for (const { path, line, message } of problems) console.log(`${path}:${line}: ${message}`)
console.log(problems.length === 0 ? `${files.length} files, nothing to say` : `${problems.length} problems in ${files.length} files`)
process.exitCode = problems.length === 0 ? 0 : 1
