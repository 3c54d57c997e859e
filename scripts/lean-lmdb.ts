import { resolve } from 'node:path'
import type { Options } from 'tsup'

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number]

/** What lmdb imports and is not taken in with it. */
export const leftOutOfLmdb = ['node-gyp-build-optional-packages', 'msgpackr', 'weak-lru-cache']

/**
 * Takes lmdb into the build without what it loads and the engine does not use: that takes half of its 43 ms at each start. All
 * databases hold strings, so there is nothing for msgpackr to encode, and none has a cache; the native part is found without
 * starting programs. The
 * native part stays a package of its own, so package.json names the very version that is taken in.
 */
export const leanLmdb: EsbuildPlugin = {
  name: 'lean-lmdb',
  setup(build) {
    build.onResolve({ filter: /^node-gyp-build-optional-packages$/ }, () => ({ path: resolve('src/state/stores/lmdb-addon.ts') }))
    build.onResolve({ filter: /^(msgpackr|weak-lru-cache)$/ }, ({ path }) => ({ path, namespace: 'unused' }))
    build.onLoad({ filter: /.*/, namespace: 'unused' }, ({ path }) => ({
      contents: ['Encoder', 'WeakLRUCache']
        .map((name) => `export class ${name} { constructor() { throw new Error('${path} is not a part of this build of lmdb.') } }`)
        .join('\n'),
    }))
  },
}
