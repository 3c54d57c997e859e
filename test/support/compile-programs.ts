import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'tsup'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the programs of the tests lie, compiled. */
    programs: string
  }
}

const source = resolve('src')
const cache = resolve('node_modules/.cache/libpod-ts')

/** Other processes of tests, and the modules that they load by name. */
const entries = [
  'src/**/*-peer.ts',
  'src/oci/runtimes/runtime-cases.ts',
  'src/**/*.fixture.ts',
  'src/state/stores/{lmdb,file}.ts',
  '!src/**/spec.fixture.ts',
]

/**
 * A global setup: compiles the programs that unit tests start, once for all. Hundreds of them are started, and a loader that compiles
 * takes longer than all that they do.
 */
export default async function compilePrograms({ provide }: TestProject): Promise<() => void> {
  for (const pid of existsSync(cache) ? readdirSync(cache) : [])
    if (!existsSync(`/proc/${pid}`)) rmSync(join(cache, pid), { recursive: true, force: true })
  const folder = join(cache, String(process.pid))
  await build({
    config: false,
    // With the folders that they lie in, as they find each other by relative paths.
    entry: entries,
    outDir: folder,
    esbuildOptions: (options) => {
      options.outbase = source
    },
    format: 'esm',
    target: 'node20',
    platform: 'node',
    splitting: true,
    clean: false,
    skipNodeModulesBundle: true,
    silent: true,
  })
  provide('programs', folder)
  return () => rmSync(folder, { recursive: true })
}
