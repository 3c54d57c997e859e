import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { defineConfig, type Options } from 'tsup'
import { entryPoints, helperPrograms } from './scripts/entry-points.ts'

/** Taken into the package, with their licences. */
const noExternal = ['zod', 'smol-toml']

const common: Options = {
  outDir: 'dist',
  target: 'node20',
  platform: 'node',
  sourcemap: true,
  // Dependencies stay outside: they are loaded at first use, and two of them are native. Of those that are many small ES modules what is
  // used is taken in, as loading them one by one takes most of a start.
  skipNodeModulesBundle: true,
  noExternal,
  silent: true,
}

export default defineConfig([
  {
    ...common,
    entry: Object.fromEntries(entryPoints.map(({ output, source }) => [output, source])),
    // ESM is split, so that what is loaded at first use stays in files of its own. All pieces lie at the top of dist,
    // where `import.meta.url` finds the helpers.
    format: ['esm', 'cjs'],
    esbuildOptions: (options, { format }) => {
      if (format !== 'cjs') return
      // tsup's own shim breaks on a path with `#`, `?` or `%` in it.
      options.define = { ...options.define, 'import.meta.url': 'importMetaUrl' }
      options.banner = { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" }
    },
    // tsup sets `baseUrl`, which TypeScript 6 calls deprecated.
    dts: { compilerOptions: { ignoreDeprecations: '6.0' } },
    onSuccess: async () => {
      for (const name of noExternal) await copyFile(`node_modules/${name}/LICENSE`, `dist/LICENSE-${name}`)
    },
  },
  {
    ...common,
    entry: { ...helperPrograms },
    format: 'esm',
    splitting: false,
    onSuccess: async () => {
      // A host that is bundled copies this folder to a place where .js may mean CommonJS.
      await mkdir('dist/helpers', { recursive: true })
      await writeFile('dist/helpers/package.json', '{ "type": "module" }\n')
    },
  },
])
