import { join } from 'node:path'
import { readMounts } from '../linux/mount-info.ts'
import { unmount } from '../linux/mounts.ts'

/** Unmounts what was mounted for one container only, in its own mount namespace: a restarted container must not meet it again. */
export async function leaveContainerMounts(runRoot: string): Promise<void> {
  const own = join(runRoot, 'containers')
  const mounts = await readMounts()
  for (const { mountPoint } of mounts.toReversed()) if (mountPoint.startsWith(`${own}/`)) unmount(mountPoint, { detach: true })
}
