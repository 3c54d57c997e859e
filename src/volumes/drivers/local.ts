import { chmod, mkdir, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Background } from '../../base/background.ts'
import { randomHex } from '../../base/crypto.ts'
import { LibpodError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { isName } from '../../base/names.ts'
import { isErrno } from '../../linux/errno.ts'
import { mapFsError } from '../../linux/fs/disk.ts'
import type { TreeWork } from '../../storage/snapshots/tree-work.ts'
import type { DriverVolume, VolumeDriver } from '../volume-driver.ts'

/** What the driver needs. */
export interface LocalVolumeDriverOptions {
  /** The folder that holds one folder for each volume. */
  readonly root: string
  readonly work: Pick<TreeWork, 'remove' | 'usage'>
  readonly background: Background
  readonly logger: Logger
}

/** The driver of volumes on this host, with what its recovery needs. */
export interface LocalVolumeDriver extends VolumeDriver {
  /** The names of which there is something, whether or not it is a volume's. */
  names(): Promise<readonly string[]>
  /** Takes away what is being removed and was cut off. */
  clearTrash(): Promise<void>
}

/** No name of a volume begins so. */
const trashPrefix = '.gone-'

/** Keeps volumes as folders: `<root>/<name>/_data`. What is removed is out of the way at once, and taken away while nobody waits. */
export function localVolumeDriver({ root, work, background, logger }: LocalVolumeDriverOptions): LocalVolumeDriver {
  const folderOf = ({ name }: Pick<DriverVolume, 'name'>): string => join(root, name)
  const dataOf = (volume: DriverVolume): string => join(folderOf(volume), '_data')
  const clear = (path: string): void =>
    background.run(
      () => work.remove(path),
      (error) => logger.warn(`Removing ${path} failed: ${error instanceof Error ? error.message : String(error)}`),
    )
  const discard = async (volume: Pick<DriverVolume, 'name'>): Promise<void> => {
    const trash = join(root, `${trashPrefix}${randomHex(12)}`)
    try {
      await rename(folderOf(volume), trash)
      clear(trash)
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw mapFsError(error, folderOf(volume))
    }
  }
  return {
    name: 'local',
    async create(volume) {
      refuseOptions(volume)
      const mountpoint = dataOf(volume)
      await discard(volume)
      try {
        await mkdir(folderOf(volume), { recursive: true, mode: 0o700 })
        await mkdir(mountpoint, { mode: 0o755 })
        // Whatever the umask of this process is: containers look into it as other users.
        await chmod(mountpoint, 0o755)
      } catch (error) {
        throw mapFsError(error, mountpoint)
      }
      return { mountpoint }
    },
    remove: discard,
    async mount(volume) {
      return { type: 'folder', path: dataOf(volume), stage: join(folderOf(volume), 'copy-up') }
    },
    async unmount() {},
    usage: (volume, options) => work.usage(dataOf(volume), options),
    async names() {
      const all = await readdir(root).catch(() => [])
      // Others may have theirs there, as `lost+found`.
      return all.filter((name) => !name.startsWith(trashPrefix) && isName(name))
    },
    async clearTrash() {
      for (const name of await readdir(root).catch(() => [])) if (name.startsWith(trashPrefix)) clear(join(root, name))
    },
  }
}

function refuseOptions({ options }: DriverVolume): void {
  const [key] = Object.keys(options)
  if (key === undefined) return
  throw new LibpodError(
    'invalid-argument',
    `options.${key}: the volume driver local knows no such option.`,
    { path: `options.${key}`, value: options[key] },
    { hint: 'Its volumes are folders below the root of the runtime; mount other places with { type: "bind" }.' },
  )
}
