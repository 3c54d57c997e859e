import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/**
 * Loads the native part of lmdb. In the build it stands in for node-gyp-build-optional-packages, which first finds out by child
 * processes which C library there is: 12 ms at each start. Where what Node's own builds need is not there, that one is asked.
 */
export default function loadLmdbAddon(): unknown {
  const lmdb = createRequire(import.meta.url).resolve('lmdb')
  const load = createRequire(lmdb)
  const { platform, arch, versions } = process
  for (const name of [`node.abi${versions.modules}.glibc.node`, 'node.napi.glibc.node'])
    try {
      return load(`@lmdb/lmdb-${platform}-${arch}/${name}`)
    } catch {
      // Not built for this Node, or for another C library.
    }
  const find = load('node-gyp-build-optional-packages') as (directory: string) => unknown
  return find(dirname(dirname(lmdb)))
}
