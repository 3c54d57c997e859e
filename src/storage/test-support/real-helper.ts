import { compiled } from '../../../test/support/programs.ts'
import { silentLogger } from '../../base/logger.ts'
import { type LazyHelper, lazyHelper } from '../../linux/helper/lazy-helper.ts'
import { startHelper } from '../../linux/helper/start-helper.ts'

/** A real helper process with storage's operations; `prefix` is a program that runs it. */
export function realHelper(prefix?: readonly [string, ...string[]]): LazyHelper {
  const file = compiled(new URL('./helper.fixture.ts', import.meta.url))
  return lazyHelper(() => startHelper({ file, env: {}, logger: silentLogger, ...(prefix === undefined ? {} : { prefix }) }))
}
