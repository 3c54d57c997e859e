import { basename } from 'node:path'
import ts from 'typescript'
import { isTest, lineOf, type Problem, type SourceFile, walk } from './files.ts'

/** The longest a file may be. Lists of declarations, where a cut would only hide half of the list, are exempt. */
const maxLines = 400
const declarations = /^src\/(linux\/native|specs)\//

/** Programs of our own: they are nobody's guest. */
const ownProgram = /^src\/runtime\/[a-z-]+-main\.ts$/

/** Where the environment may be read: there, and in programs of our own, which have nobody to hand it to them. */
const readsEnvironment = /^src\/config\//

/** Dependencies that have one home. Everything else asks that home. */
const homes: Readonly<Record<string, RegExp>> = {
  koffi: /^src\/linux\/native\/koffi\.ts$/,
  lmdb: /^src\/state\/stores\/lmdb[a-z-]*\.ts$/,
  undici: /^src\/images\/transports\/docker\/http\.ts$/,
  zod: /^src\/base\/(schema|zod)\.ts$/,
  'proper-lockfile': /^src\/state\/stores\/file[a-z-]*\.ts$/,
  'node:crypto': /^src\/base\/crypto\.ts$/,
}

/** Files that stand for a dependency: they are loaded at first use themselves. */
const loadedLate = ['src/base/zod.ts', 'src/state/stores/lmdb.ts']

/** Parts of Node that take long to load, so that they are treated like dependencies. */
const slowParts = ['node:crypto']

/** What the house rules ask of one file, as far as a program can see it. */
export function checkRules(file: SourceFile): Problem[] {
  const problems: Problem[] = []
  const { path, tree } = file
  const inSource = path.startsWith('src/') && !isTest(path)
  const report = (line: number, message: string): void => void problems.push({ path, line, message })

  const lines = tree.getLineAndCharacterOfPosition(tree.getEnd()).line
  if (lines > maxLines && !declarations.test(path))
    report(lines, `has ${lines} lines, more than ${maxLines}; a second concern wants a file of its own`)

  for (const [index, text] of tree.text.split('\n').entries()) {
    if (/\b(TODO|FIXME|XXX)\b/.test(text) && path !== 'scripts/source/rules.ts') report(index + 1, 'is unfinished, and says so')
  }

  if (inSource) {
    for (const { line, specifier, lazy, typeOnly } of file.imports) {
      const isLate = loadedLate.some((late) => basename(specifier) === basename(late)) || slowParts.includes(specifier)
      if ((specifier.startsWith('node:') || specifier.startsWith('.')) && !isLate) continue
      if (!lazy && !typeOnly && !loadedLate.includes(path))
        report(line, `loads ${specifier} when the package is imported; load it at first use`)
      const home = homes[specifier]
      if (home !== undefined && !home.test(path) && !(typeOnly && specifier.startsWith('node:')))
        report(line, `imports ${specifier}, which only ${home.source.replaceAll('\\', '')} may`)
    }
    walk(tree, (node) => {
      const message = forbidden(node, path)
      if (message !== undefined) report(lineOf(tree, node), message)
    })
  }
  return problems
}

function forbidden(node: ts.Node, path: string): string | undefined {
  if (ts.isExportDeclaration(node) && node.exportClause === undefined) return 'export *: list the names'
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'process') {
    if (node.name.text === 'env' && !readsEnvironment.test(path) && !ownProgram.test(path)) return 'reads process.env; src/config does that'
    if (node.name.text === 'umask' && !ownProgram.test(path)) return "changes the host's umask"
  }
  return undefined
}
