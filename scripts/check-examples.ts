import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import ts from 'typescript'
import { sourcePaths } from './source/files.ts'

/**
 * Compiles every block marked `ts` in comments of src, in the README and in docs. A block is the body of an async
 * function of a module that already knows: what the package exports, what the file of the comment exports, and the
 * objects of {@link given}. Its imports are lifted out; what it declares itself comes first; `{ … }` is an empty block.
 */
const given: Readonly<Record<string, string>> = {
  runtime: typeFrom('src/runtime/runtime.ts', 'Runtime'),
  container: typeFrom('src/containers/container.ts', 'Container'),
  image: typeFrom('src/images/image.ts', 'Image'),
  store: typeFrom('src/state/state-store.ts', 'StateStore'),
  locks: typeFrom('src/locks/lock-manager.ts', 'LockManager'),
  content: typeFrom('src/storage/content-store.ts', 'ContentStore'),
  snapshots: typeFrom('src/storage/snapshotter.ts', 'Snapshotter'),
  backend: typeFrom('src/network/backend.ts', 'NetworkBackend'),
  request: typeFrom('src/network/backend.ts', 'NetworkRequest'),
  driver: typeFrom('src/volumes/volume-driver.ts', 'VolumeDriver'),
  transport: typeFrom('src/images/transport.ts', 'Transport'),
  reference: typeFrom('src/images/reference.ts', 'ImageReference'),
  layer: typeFrom('src/specs/image-spec.ts', 'Descriptor'),
  digest: typeFrom('src/base/digest.ts', 'Digest'),
  chainId: 'string',
  size: 'number',
  body: 'AsyncIterable<Uint8Array>',
  record: 'Record<string, string>',
  signal: 'AbortSignal',
}

interface Block {
  readonly path: string
  /** The line of the file that the first line of the code is on. */
  readonly line: number
  readonly code: string
}

const index = resolve('src/index.ts')
const options = compilerOptions()
const paths = sourcePaths(['src']).filter((path) => !path.endsWith('.test.ts'))
const documents = ['README.md', 'CONTRIBUTING.md', ...['architecture', 'plug-ins'].map((name) => join('docs', `${name}.md`))].filter(
  (path) => ts.sys.fileExists(path),
)
const blocks = [...paths, ...documents].flatMap(blocksOf)
const virtual = new Map(blocks.map((block, number) => [resolve(dirname(block.path), `example-${number}.ts`), block]))
const texts = new Map<string, string>()

const host = ts.createCompilerHost(options)
const { getSourceFile, fileExists, readFile } = host
host.fileExists = (path) => texts.has(path) || fileExists.call(host, path)
host.readFile = (path) => texts.get(path) ?? readFile.call(host, path)
host.getSourceFile = (path, ...rest) => {
  const text = texts.get(path)
  return text === undefined ? getSourceFile.call(host, path, ...rest) : ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
}

const library = ts.createProgram([index, ...paths.map((path) => resolve(path))], options, host)
const offsets = new Map<string, number>()
for (const [path, block] of virtual) {
  const { text, offset } = moduleOf(block)
  texts.set(path, text)
  offsets.set(path, offset)
}
const program = ts.createProgram([index, ...texts.keys()], options, host, library)

let problems = 0
for (const [path, block] of virtual) {
  const file = program.getSourceFile(path)
  if (file === undefined) continue
  for (const diagnostic of [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]) {
    const at = ts.getLineAndCharacterOfPosition(file, diagnostic.start ?? 0).line
    const line = Math.max(block.line, block.line + at - (offsets.get(path) ?? 0))
    console.log(`${block.path}:${line}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`)
    problems++
  }
}
console.log(`${blocks.length} examples, ${problems} problems`)
process.exitCode = problems === 0 ? 0 : 1

function typeFrom(path: string, name: string): string {
  return `import(${JSON.stringify(resolve(path))}).${name}`
}

function compilerOptions(): ts.CompilerOptions {
  const config = ts.getParsedCommandLineOfConfigFile(
    'tsconfig.all.json',
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (problem) => {
        throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'))
      },
    },
  )
  return { ...config?.options, noUnusedLocals: false, noUnusedParameters: false, noEmit: true }
}

/** The blocks of a document, or of the comments of a source file. */
function blocksOf(path: string): Block[] {
  const blocks: Block[] = []
  let open: { line: number; lines: string[] } | undefined
  for (const [number, whole] of readFileSync(path, 'utf8').split('\n').entries()) {
    const comment = /^\s*\* ?(.*)$/.exec(whole)
    const line = path.endsWith('.ts') ? comment?.[1] : whole
    if (line === undefined) open = undefined
    else if (open === undefined && /^\s*```ts\s*$/.test(line)) open = { line: number + 2, lines: [] }
    else if (open !== undefined && /^\s*```\s*$/.test(line)) {
      blocks.push({ path, line: open.line, code: open.lines.join('\n').replaceAll('*\\/', '*/') })
      open = undefined
    } else open?.lines.push(line)
  }
  return blocks
}

/** The module around a block, and how many lines stand in it before the block. */
function moduleOf({ path: home, code }: Block): { text: string; offset: number } {
  const lines = code.replaceAll('{ … }', '{ }').split('\n')
  const imports = lines.filter((line) => /^import .* from '/.test(line))
  const body = lines.map((line) => (imports.includes(line) ? '' : line))
  const own = new Set(declaredIn(imports.join('\n')))
  const known = [
    ...namesOf(index).map((name) => [name, index] as const),
    ...(home.endsWith('.ts') ? namesOf(resolve(home)).map((name) => [name, resolve(home)] as const) : []),
  ]
  const words = new Set(code.match(/[A-Za-z_]\w*/g) ?? [])
  const head = [...imports]
  for (const [name, from] of known) {
    if (!words.has(name) || own.has(name)) continue
    own.add(name)
    head.push(`import { ${name} } from ${JSON.stringify(from)}`)
  }
  for (const [name, type] of Object.entries(given)) if (words.has(name) && !own.has(name)) head.push(`declare const ${name}: ${type}`)
  head.push('export async function example(): Promise<unknown> {')
  const tail = ['return undefined', '}']
  return { text: [...head, ...body, ...tail].join('\n'), offset: head.length }
}

function namesOf(path: string): string[] {
  const file = library.getSourceFile(path)
  const checker = library.getTypeChecker()
  const symbol = file === undefined ? undefined : checker.getSymbolAtLocation(file)
  return symbol === undefined ? [] : checker.getExportsOfModule(symbol).map(({ name }) => name)
}

function declaredIn(imports: string): string[] {
  return [...imports.matchAll(/[{,]\s*(?:type\s+)?(?:\w+\s+as\s+)?(\w+)/g)].map(([, name]) => name ?? '')
}
