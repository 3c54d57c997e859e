import type { EngineConfig } from '../config/engine-config.ts'
import { writeFileAtomic } from '../linux/fs/atomic-write.ts'
import { exitScript, exitScriptPath } from './exit-script.ts'
import type { HelperPrograms } from './helpers.ts'
import type { RuntimeOptions } from './options.ts'
import { type RootFile, rootFilePath } from './root-file.ts'

/**
 * Leaves behind what a monitor needs to call for a clean-up when nobody is here: the script, with today's paths of Node and of
 * this package, and the settings to open the root with. A store that only the host application has cannot be opened
 * by anyone else: then the script does nothing, and the next engine does it.
 */
export async function writeExitScript(
  runRoot: string,
  programs: HelperPrograms,
  options: RuntimeOptions,
  { root, uid, environment }: EngineConfig,
): Promise<void> {
  const { state, oci, monitor, images, helpersDir } = options
  const shared = state === undefined || state === 'lmdb' || state === 'file'
  const settings: RootFile = {
    root,
    uid,
    options: { ...(shared ? { state } : {}), oci, monitor, images, helpersDir },
    ...(environment.probe === undefined ? {} : { probe: environment.probe }),
  }
  await writeFileAtomic(rootFilePath(runRoot), JSON.stringify(settings), { mode: 0o600 })
  const cleanup = shared ? programs.cleanup : '/nonexistent'
  await writeFileAtomic(exitScriptPath(runRoot), exitScript({ runRoot, node: process.execPath, cleanup }), { mode: 0o700 })
}
