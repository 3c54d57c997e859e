import type { EngineConfig } from '../config/engine-config.ts'
import { writeFileAtomic } from '../linux/fs/atomic-write.ts'
import { exitScript, exitScriptPath } from './exit-script.ts'
import type { HelperPrograms } from './helpers.ts'
import type { RuntimeOptions } from './options.ts'
import { isShared, rootFileOf, rootFilePath } from './root-file.ts'

/**
 * Leaves behind what a monitor needs to call for a clean-up when nobody is here: the script, with today's paths of Node and of
 * this package, and the settings to open the root with. A store that only the host application has cannot be opened
 * by anyone else: then the script does nothing, and the next engine does it.
 */
export async function writeExitScript(
  runRoot: string,
  programs: HelperPrograms,
  options: RuntimeOptions,
  config: EngineConfig,
): Promise<void> {
  await writeFileAtomic(rootFilePath(runRoot), JSON.stringify(rootFileOf(options, config)), { mode: 0o600 })
  const cleanup = isShared(options) ? programs.cleanup : '/nonexistent'
  await writeFileAtomic(exitScriptPath(runRoot), exitScript({ runRoot, node: process.execPath, cleanup }), { mode: 0o700 })
}
