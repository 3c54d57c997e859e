import type { Logger } from '../base/logger.ts'
import type { Helper } from '../linux/helper/helper.ts'
import { lazyHelper } from '../linux/helper/lazy-helper.ts'
import { startHelper } from '../linux/helper/start-helper.ts'
import type { HelperPrograms } from './helpers.ts'

/** What the helper processes are started with. */
export interface HelpersOptions {
  readonly programs: HelperPrograms
  readonly runRoot: string
  /** The lock file of this engine: while it is there, an engine whose channel closed has died. */
  readonly ownerFile: string
  readonly env: Readonly<Record<string, string>>
  readonly logger: Logger
  /** What starts them where containers are; empty where this process is there itself. */
  readonly prefix: readonly string[]
}

/**
 * Two processes of one program: one starts containers, from input that this engine has made; the other works on layers and trees
 * that strangers have made. A hostile layer can then hang or kill only the second, and a long extraction delays no start.
 */
export function openHelpers({ programs, runRoot, ownerFile, env, logger, prefix }: HelpersOptions): {
  readonly oci: Helper
  readonly storage: Helper
  close(): Promise<void>
} {
  const start = (role: string) => () =>
    startHelper({ file: programs.helper, args: [role, runRoot, ownerFile, programs.cleanup], env, logger, prefix })
  const oci = lazyHelper(start('oci'))
  const storage = lazyHelper(start('storage'))
  return {
    oci,
    storage,
    async close() {
      await Promise.all([oci.close(), storage.close()])
    },
  }
}
