import { LibpodError } from '../base/errors.ts'
import type { VolumeRecord } from './record.ts'
import type { VolumesServices } from './services.ts'
import type { VolumeDriver } from './volume-driver.ts'

/** The driver of volumes that ask for none. */
export const defaultDriver = 'local'

/** The driver a caller names. Throws `invalid-argument` at `path` if there is none. */
export function chooseDriver({ drivers }: VolumesServices, name: string, path: string): VolumeDriver {
  const driver = drivers.get(name)
  if (driver) return driver
  throw new LibpodError(
    'invalid-argument',
    `${path}: there is no volume driver ${JSON.stringify(name)}.`,
    { path, value: name },
    { hint: `The drivers are ${[...drivers.keys()].sort().join(', ')}.` },
  )
}

/** The driver a volume was made with. Throws `unavailable` if this engine does not have it: then the volume is left alone. */
export function driverOf({ drivers }: VolumesServices, { name, driver }: VolumeRecord): VolumeDriver {
  const found = drivers.get(driver)
  if (found) return found
  throw new LibpodError(
    'unavailable',
    `Volume ${name} was made with the volume driver ${driver}, which this engine does not have.`,
    { what: driver },
    { hint: 'Pass it to Runtime.open.' },
  )
}
