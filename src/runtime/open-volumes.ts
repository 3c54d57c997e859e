import { join } from 'node:path'
import type { Background } from '../base/background.ts'
import { isLibpodError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Helper } from '../linux/helper/helper.ts'
import { storageWork } from '../storage/helper-client.ts'
import { guardedDriver } from '../volumes/drivers/guarded.ts'
import type { LocalVolumeDriver } from '../volumes/drivers/local.ts'
import { removeLeftBehind } from '../volumes/go-with.ts'
import type { VolumesServices } from '../volumes/services.ts'
import { readVolume } from '../volumes/store.ts'
import type { VolumeDriver } from '../volumes/volume-driver.ts'
import { withVolume } from '../volumes/with-volume.ts'
import { builtInVolumeDrivers } from './defaults.ts'

/** What the volumes of an engine are opened with. */
export interface VolumesOptions extends Pick<VolumesServices, 'registry' | 'locks' | 'closer' | 'probe' | 'emit' | 'removeUsers'> {
  readonly root: string
  readonly helper: Helper
  readonly background: Background
  readonly logger: Logger
  /** The host's own drivers. */
  readonly drivers: readonly VolumeDriver[]
}

/** The volumes of an engine. */
export interface OpenedVolumes {
  readonly services: VolumesServices
  /** Takes away what engines that died were removing. */
  recover(isContainer: (id: string) => Promise<boolean>): Promise<void>
}

/** Opens the volumes below `root/volumes`. */
export function openVolumes({ root, helper, background, logger, drivers, ...options }: VolumesOptions): OpenedVolumes {
  const { work, volumes } = storageWork(helper)
  const { local, all } = builtInVolumeDrivers({ root: join(root, 'volumes'), work, background, logger })
  const services: VolumesServices = {
    ...options,
    drivers: new Map([...all, ...drivers.map((driver) => [driver.name, guardedDriver(driver)] as const)]),
    work: volumes,
  }
  return {
    services,
    async recover(isContainer) {
      await removeLeftBehind(services, isContainer)
      await local.clearTrash()
      for (const name of await local.names()) await removeOrphan(services, local, name)
    },
  }
}

/** The record of a volume comes before its data, and goes before it: data without a record is nobody's, unless somebody is at it just now. */
async function removeOrphan(services: VolumesServices, local: LocalVolumeDriver, name: string): Promise<void> {
  if ((await readVolume(services, name)) !== undefined) return
  try {
    await withVolume(services, name, { wait: false }, async () => {
      const isThere = (await readVolume(services, name)) !== undefined
      if (!isThere) await local.remove({ name, options: {}, labels: {} })
      return { result: undefined, isThere }
    })
  } catch (error) {
    if (!isLibpodError(error, 'conflict')) throw error
  }
}
