import { newId } from '../../base/ids.ts'
import type { NormalizedMount } from '../../oci/spec/mount.ts'
import { chooseDriver, defaultDriver } from '../../volumes/driver-of.ts'
import { newVolume, type VolumeRecord } from '../../volumes/record.ts'
import type { ContainersServices } from '../services.ts'

/** The mounts with a name for every volume, and the volumes as they are made if they are not there. */
export function planVolumes(
  services: ContainersServices,
  mounts: readonly NormalizedMount[],
  goesWith: string | undefined,
): { readonly mounts: readonly NormalizedMount[]; readonly volumes: readonly VolumeRecord[] } {
  const volumes = new Map<string, VolumeRecord>()
  const named = mounts.map((mount, index) => {
    if (mount.type !== 'volume') return mount
    const driver = chooseDriver(services.volumes, mount.driver ?? defaultDriver, `mounts[${index}].driver`).name
    const anonymous = mount.source === ''
    const name = anonymous ? newId() : mount.source
    if (!volumes.has(name)) {
      volumes.set(name, newVolume({ name, driver, anonymous, ...(anonymous && goesWith !== undefined ? { goesWith } : {}) }))
    }
    return { ...mount, source: name }
  })
  return { mounts: named, volumes: [...volumes.values()] }
}
