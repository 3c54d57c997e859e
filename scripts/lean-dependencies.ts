import { resolve } from 'node:path'
import type { Options } from 'tsup'

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number]

/** What the dependencies that are taken in lean import, and is not taken in with them. */
export const leftOut = ['node-gyp-build-optional-packages', 'msgpackr', 'weak-lru-cache']

/**
 * Takes dependencies into the build without what they load and the engine does not use.
 *
 * - lmdb: half of its 43 ms at each start. All databases hold strings, so there is nothing for msgpackr to encode, and none has a
 *   cache; the native part is found without starting programs. It stays a package of its own, so package.json names the very version
 *   that is taken in.
 * - undici: two thirds of 150 ms at the first pull, in which the event loop stands still. It is CommonJS, and asks for parts of Node in
 *   the middle of functions, so it comes in a file of its own, made of `lean-undici.cjs`.
 */
export const leanDependencies = (undiciFile: string): EsbuildPlugin => ({
  name: 'lean-dependencies',
  setup(build) {
    build.onResolve({ filter: /^node-gyp-build-optional-packages$/ }, () => ({ path: resolve('src/state/stores/lmdb-addon.ts') }))
    build.onResolve({ filter: /^(msgpackr|weak-lru-cache)$/ }, ({ path }) => ({ path, namespace: 'unused' }))
    build.onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({
      contents: ['Encoder', 'WeakLRUCache']
        .map((name) => `export class ${name} { constructor() { throw new Error('${path} is not a part of this build of lmdb.') } }`)
        .join('\n'),
    }))
    build.onResolve({ filter: /^undici$/ }, () => ({ path: undiciFile, external: true }))
  },
})
