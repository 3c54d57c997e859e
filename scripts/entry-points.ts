/** One door of the package: a key of `exports` in package.json, and the file behind it. */
export interface EntryPoint {
  /** As imported: `.` or `./state/lmdb`. */
  readonly subpath: string
  /** Its source. */
  readonly source: string
  /** Its built files in dist, without an extension. */
  readonly output: string
}

/** Every entry point. The build, the API reports and the check of package.json all read this table. */
export const entryPoints: readonly EntryPoint[] = [
  { subpath: '.', source: 'src/index.ts', output: 'index' },
  { subpath: './state/lmdb', source: 'src/state/stores/lmdb.ts', output: 'state/lmdb' },
  { subpath: './state/file', source: 'src/state/stores/file.ts', output: 'state/file' },
  { subpath: './state/memory', source: 'src/state/stores/memory.ts', output: 'state/memory' },
  { subpath: './testing', source: 'src/testing/index.ts', output: 'testing/index' },
]

/** The programs that the engine starts; each becomes one file in dist/helpers. */
export const helperPrograms: Readonly<Record<string, string>> = {
  'helpers/helper': 'src/runtime/helper-main.ts',
  'helpers/cleanup': 'src/runtime/cleanup-main.ts',
}

/** What package.json has to say for an entry point, so that both `import` and `require` find code and types. */
export function exportsOf({ output }: EntryPoint): unknown {
  const file = (extension: string): string => `./dist/${output}.${extension}`
  return {
    import: { types: file('d.ts'), default: file('js') },
    require: { types: file('d.cts'), default: file('cjs') },
  }
}
