import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { defineConfig, type Options } from 'tsup'
import { entryPoints, helperPrograms } from './scripts/entry-points.ts'
import { joinChunks } from './scripts/join-chunks.ts'
import { leanDependencies, leftOut } from './scripts/lean-dependencies.ts'

/** Taken into the package, with their licences. */
const takenIn = ['zod', 'smol-toml', 'undici', 'lmdb', 'ordered-binary', '@harperfast/extended-iterable']

const entry = Object.fromEntries(entryPoints.map(({ output, source }) => [output, source]))

const common: Options = {
  outDir: 'dist',
  target: 'node20',
  platform: 'node',
  sourcemap: true,
  // Dependencies stay outside: they are loaded at first use, and two of them are native. Of those that are many small ES modules what is
  // used is taken in, as loading them one by one takes most of a start.
  skipNodeModulesBundle: true,
  noExternal: [...takenIn, ...leftOut],
  esbuildPlugins: [leanDependencies('./undici.cjs')],
  silent: true,
}

async function copyLicence(name: string): Promise<void> {
  await copyFile(`node_modules/${name}/LICENSE`, `dist/LICENSE-${name.replace(/^@.*\//, '')}`)
}

export default defineConfig([
  {
    ...common,
    entry,
    // Split, so that what is loaded at first use stays in files of its own, and then joined. All pieces lie at the top of dist, where
    // `import.meta.url` finds the helpers.
    format: 'esm',
    onSuccess: async () => {
      await joinChunks({ directory: 'dist', entries: Object.keys(entry), engine: ['open', 'pull'] })
      for (const name of takenIn) await copyLicence(name)
    },
  },
  {
    ...common,
    entry,
    format: ['esm', 'cjs'],
    // tsup sets `baseUrl`, which TypeScript 6 calls deprecated.
    dts: { only: true, compilerOptions: { ignoreDeprecations: '6.0' } },
  },
  { ...common, entry: { undici: 'scripts/lean-undici.cjs' }, format: 'cjs' },
  {
    ...common,
    entry: { ...helperPrograms },
    format: 'esm',
    splitting: false,
    esbuildPlugins: [leanDependencies('../undici.cjs')],
    onSuccess: async () => {
      // A host that is bundled copies this folder to a place where .js may mean CommonJS.
      await mkdir('dist/helpers', { recursive: true })
      await writeFile('dist/helpers/package.json', '{ "type": "module" }\n')
    },
  },
])
