import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** A source file, parsed. Paths are relative to the top of the repository. */
export interface SourceFile {
  readonly path: string
  readonly tree: ts.SourceFile
  readonly imports: readonly Import[]
}

/** One import, re-export or dynamic import. */
export interface Import {
  readonly line: number
  readonly specifier: string
  /** Gone once types are gone. */
  readonly typeOnly: boolean
  /** `import()` or a `require`: happens when the code gets there. */
  readonly lazy: boolean
}

/** What a check found, at one line. */
export interface Problem {
  readonly path: string
  readonly line: number
  readonly message: string
}

/** The paths of all TypeScript files below some folders. */
export function sourcePaths(folders: readonly string[]): string[] {
  const names = folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)))
  return names.filter((name) => name.endsWith('.ts')).sort()
}

/** Reads and parses all TypeScript files below some folders. */
export function readSourceFiles(folders: readonly string[]): SourceFile[] {
  return sourcePaths(folders).map((path) => parseSourceFile(path, readFileSync(path, 'utf8')))
}

/** Parses one file. */
export function parseSourceFile(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const imports: Import[] = []
  walk(tree, (node) => {
    const found = importOf(node)
    if (found !== undefined) imports.push({ line: lineOf(tree, node), ...found })
  })
  return { path, tree, imports }
}

/** Calls `visit` for a node and all nodes below it. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

/** The line a node begins in, counted from 1. */
export function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}

/** Tests may see everything; so may the suites, peer processes and support that several tests share. */
export function isTest(path: string): boolean {
  return /(\.test|-suite|-peer)\.ts$|\/test-support\//.test(path)
}

function importOf(node: ts.Node): Omit<Import, 'line'> | undefined {
  if (ts.isImportDeclaration(node)) {
    const bindings = node.importClause?.namedBindings
    const named = bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements : undefined
    const onlyTypes =
      named !== undefined && node.importClause?.name === undefined && named.length > 0 && named.every((one) => one.isTypeOnly)
    return {
      specifier: textOf(node.moduleSpecifier),
      typeOnly: node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword || onlyTypes,
      lazy: false,
    }
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
    const named = node.exportClause !== undefined && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : []
    const onlyTypes = named.length > 0 && named.every((one) => one.isTypeOnly)
    return { specifier: textOf(node.moduleSpecifier), typeOnly: node.isTypeOnly || onlyTypes, lazy: false }
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { specifier: textOf(node.argument.literal), typeOnly: true, lazy: true }
  }
  if (ts.isCallExpression(node)) {
    const [argument] = node.arguments
    if (argument === undefined || !ts.isStringLiteral(argument)) return undefined
    const loads = node.expression.kind === ts.SyntaxKind.ImportKeyword || isRequire(node.expression)
    return loads ? { specifier: argument.text, typeOnly: false, lazy: true } : undefined
  }
  return undefined
}

/** `require('x')`, and `createRequire(import.meta.url)('x')`. */
function isRequire(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return callee.text === 'require'
  return ts.isCallExpression(callee) && ts.isIdentifier(callee.expression) && callee.expression.text === 'createRequire'
}

function textOf(node: ts.Node): string {
  return ts.isStringLiteral(node) ? node.text : ''
}
