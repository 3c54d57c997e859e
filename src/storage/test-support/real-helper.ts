import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { silentLogger } from '../../base/logger.ts'
import { type LazyHelper, lazyHelper } from '../../linux/helper/lazy-helper.ts'
import { startHelper } from '../../linux/helper/start-helper.ts'

/** A real helper process with storage's operations; `prefix` is a program that runs it. */
export function realHelper(prefix?: readonly [string, ...string[]]): LazyHelper {
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const file = fileURLToPath(new URL('./helper.fixture.ts', import.meta.url))
  return lazyHelper(() =>
    startHelper({ file, nodeArgs: ['--import', loader], env: {}, logger: silentLogger, ...(prefix === undefined ? {} : { prefix }) }),
  )
}
