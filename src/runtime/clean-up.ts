import { readFile } from 'node:fs/promises'
import { sleep } from '../base/time.ts'
import { leaveContainerMounts } from './leave-container-mounts.ts'
import { openEngine } from './open.ts'
import { internals } from './options.ts'
import { probeFromText } from './probe.ts'
import { type RootFile, rootFilePath } from './root-file.ts'

/** Serves a root until nothing is left to do. With a descriptor it holds the duty lock already. */
export async function cleanUp(runRoot: string, dutyFd: number | undefined): Promise<void> {
  // It was started by a monitor, in the mount namespace of a container that is no more.
  await leaveContainerMounts(runRoot)
  const settings = JSON.parse(await readFile(rootFilePath(runRoot), 'utf8')) as RootFile
  const probe = probeFromText(settings.probe)
  const engine = await openEngine({
    root: settings.root,
    runRoot,
    ...settings.options,
    [internals]: {
      isCleanup: true,
      uid: settings.uid,
      ...(dutyFd === undefined ? {} : { dutyFd }),
      ...(probe === undefined ? {} : { probe }),
    },
  })
  try {
    do {
      await engine.duty?.idle()
      // Restarts are this program's business as long as nobody else serves.
      if (engine.duty?.restartsPending) await sleep(20)
    } while (engine.duty?.restartsPending)
  } finally {
    await engine.closer.close()
  }
}
