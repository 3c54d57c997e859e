import { mkdir } from 'node:fs/promises'
import { posix } from 'node:path'
import { mapFsError } from '../fs/disk.ts'
import { askSystemd, isAlreadyLoaded } from './ask-systemd.ts'
import type { CgroupHost } from './detect.ts'
import { cgroupExists } from './manage.ts'
import { type CgroupPaths, cgroupPaths, directoriesOf } from './paths.ts'

/**
 * Makes a cgroup that systemd leaves to us, to move processes into: that of a service without a program of its own, which stands until
 * the next boot. (A scope would end with its last process, and be asked for again and again.) It may be there already.
 */
export async function openStandingUnit(host: CgroupHost, path: string, description: string): Promise<CgroupPaths> {
  const paths = cgroupPaths(host, path)
  if (await cgroupExists(paths)) return paths
  const unit = posix.basename(path)
  await askSystemd('systemd-run', [
    '--quiet',
    '--collect',
    `--unit=${unit}`,
    `--slice=${posix.basename(posix.dirname(path))}`,
    `--description=${description}`,
    '--service-type=oneshot',
    '--remain-after-exit',
    '--property=Delegate=yes',
    '--property=TasksMax=infinity',
    '--property=OOMPolicy=continue',
    '/bin/true',
  ]).catch(async (error: unknown) => {
    if (!isAlreadyLoaded(error)) throw error
    // Somebody else has made it, or is about to: this waits for that.
    await askSystemd('systemctl', ['start', unit])
  })
  try {
    // It is ours while the unit stands, also where an empty one is taken away.
    await Promise.all(directoriesOf(paths).map((directory) => mkdir(directory, { recursive: true })))
  } catch (error) {
    throw mapFsError(error, path)
  }
  return paths
}
