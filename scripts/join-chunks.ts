import { readFile, rm } from 'node:fs/promises'
import { basename, relative, resolve } from 'node:path'
import { type GetModuleInfo, type ModuleFormat, type Plugin, rollup } from 'rollup'

/** What {@link joinChunks} works on. */
export interface JoinOptions {
  /** The folder with an ES module for each entry point and the chunks that they share. */
  readonly directory: string
  /** Paths of the entry points in it, without an extension; the first is the one that matters. */
  readonly entries: readonly string[]
  /** Beginnings of the names of chunks that are loaded together when the package comes to work. */
  readonly engine: readonly string[]
}

/**
 * Makes three files of some twenty chunks: what is loaded at import, what is loaded when a runtime is opened, and what is loaded then and
 * when. esbuild makes a chunk of each set of modules that the same entry points share, and Node takes 2 ms to find, read and link
 * each, which was half of an import. Both forms of the package are made of the same pieces, so that both load the same late.
 */
export async function joinChunks({ directory, entries, engine }: JoinOptions): Promise<void> {
  const built = new Set<string>()
  const fileOf = (entry: string): string => resolve(directory, `${entry}.js`)
  const bundle = await rollup({
    input: Object.fromEntries(entries.map((entry) => [entry, fileOf(entry)])),
    // What is used is known already, and what else a module does when it is loaded is not for guessing.
    treeshake: false,
    preserveEntrySignatures: 'strict',
    external: (id) => (!id.startsWith('.') && !id.startsWith('/')) || id.endsWith('.cjs'),
    plugins: [readBuilt(built)],
    onwarn: (warning, warn) => {
      // lmdb makes a function for each kind of key, once.
      if (warning.code !== 'EVAL') warn(warning)
    },
  })
  const ownerOf = chunkOwners(entries.map(fileOf), engine)
  const write = (format: ModuleFormat, extension: string): Promise<unknown> =>
    bundle.write({
      dir: directory,
      format,
      sourcemap: true,
      entryFileNames: `[name].${extension}`,
      chunkFileNames: `[name].${extension}`,
      manualChunks: (id, { getModuleInfo }) => ownerOf(id, getModuleInfo),
      // Else each file names what the files that it imports import.
      hoistTransitiveImports: false,
      exports: 'named',
      esModule: true,
    })
  const { output } = (await write('es', 'js')) as { readonly output: readonly { readonly fileName: string }[] }
  await write('cjs', 'cjs')
  await bundle.close()
  const written = new Set(output.map(({ fileName }) => fileName))
  for (const file of built) {
    const name = relative(directory, file)
    if (!written.has(name)) await Promise.all([rm(file), rm(`${file}.map`)])
  }
}

/** Files with their source maps, so that those of the result lead to the sources. */
function readBuilt(seen: Set<string>): Plugin {
  return {
    name: 'read-built',
    async load(id) {
      seen.add(id)
      return { code: await readFile(id, 'utf8'), map: await readFile(`${id}.map`, 'utf8') }
    },
  }
}

/** Decides in which file a module comes. */
function chunkOwners(
  entries: readonly string[],
  engine: readonly string[],
): (id: string, getModuleInfo: GetModuleInfo) => string | undefined {
  let owners: Map<string, string> | undefined
  return (id, getModuleInfo) => {
    owners ??= findOwners(entries, engine, getModuleInfo)
    return owners.get(id)
  }
}

function findOwners(
  [main = '', ...others]: readonly string[],
  engine: readonly string[],
  getModuleInfo: GetModuleInfo,
): Map<string, string> {
  const owners = new Map<string, string>()
  const below = (id: string, visit: (id: string) => void, seen = new Set<string>()): void => {
    if (seen.has(id)) return
    seen.add(id)
    visit(id)
    for (const imported of getModuleInfo(id)?.importedIds ?? []) below(imported, visit, seen)
  }
  below(main, (id) => owners.set(id, 'core'))
  const late = new Set<string>()
  for (const id of owners.keys())
    for (const loaded of getModuleInfo(id)?.dynamicallyImportedIds ?? [])
      if (engine.some((name) => basename(loaded).startsWith(`${name}-`))) late.add(loaded)
  for (const start of late) below(start, (id) => void (owners.has(id) || owners.set(id, 'engine')))
  // Whoever imports another door needs the main one as well, and not the engine.
  for (const entry of others) below(entry, (id) => void (owners.get(id) === 'engine' && owners.set(id, 'core')))
  return owners
}
