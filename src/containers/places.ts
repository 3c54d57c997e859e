import { dirname, join } from 'node:path'
import type { LogPlace } from '../logs/log-driver.ts'
import type { MonitorPlace } from '../oci/monitor.ts'
import type { ContainerRecord } from './record.ts'

/** Where an engine keeps the files of its containers. */
export interface ContainerPlaces {
  /** On disk: logs. */
  readonly root: string
  /** On tmpfs: bundles, sockets, exit files. */
  readonly runRoot: string
}

/** Folder on tmpfs that holds `config.json` and all that a run of the container needs. */
export function bundleOf({ runRoot }: ContainerPlaces, id: string): string {
  return join(runRoot, 'containers', id)
}

/** Ends the names of bundles that are being removed. */
export const goneSuffix = '.gone'

/** Folder on disk that outlives a reboot. */
export function staticDirOf({ root }: ContainerPlaces, id: string): string {
  return join(root, 'containers', id)
}

/** Where the root file system is mounted, in the container's own mount namespace. */
export function rootfsOf(places: ContainerPlaces, id: string): string {
  return join(bundleOf(places, id), 'rootfs')
}

/** Where monitors leave exit codes. */
export function exitsDirOf({ runRoot }: ContainerPlaces): string {
  return join(runRoot, 'exits')
}

export function monitorPlaceOf(places: ContainerPlaces, id: string): MonitorPlace {
  return { id, bundle: bundleOf(places, id), exitsDir: exitsDirOf(places) }
}

export function logPlaceOf(record: ContainerRecord): LogPlace {
  const { maxSizeBytes } = record.options.log
  return { id: record.id, path: record.logPath, ...(maxSizeBytes === undefined ? {} : { maxSizeBytes }) }
}

/** Whether the log lies in the container's own folder, where no other has anything. */
export function hasOwnLogPlace(places: ContainerPlaces, { id, logPath }: Pick<ContainerRecord, 'id' | 'logPath'>): boolean {
  return dirname(logPath) === staticDirOf(places, id)
}
