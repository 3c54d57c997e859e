import { newId } from '../base/ids.ts'
import type { KindDefinition, RegistryDraft } from '../state/registry-types.ts'
import type { Json } from '../state/state-store.ts'
import type { DriverVolume } from './volume-driver.ts'

/** What is stored of a volume: plain JSON. Its name is its id in the registry. */
export interface VolumeRecord extends DriverVolume {
  readonly driver: string
  readonly createdAt: string
  /** It was made for a container that named none. */
  readonly anonymous: boolean
  /** The id of the container it is removed with. */
  readonly goesWith?: string
  /** Its driver has made it; otherwise that was cut off, and is done at its first use. */
  readonly made: boolean
  /** The folder of the host in which the data lies, where there is one. */
  readonly mountpoint?: string
  /** It is filled by the first container that has something to fill it with. */
  readonly needsCopyUp: boolean
  /** Its owner and mode are set by the first container. */
  readonly needsChown: boolean
}

/** How volumes are kept in the registry. */
export const volumeKind: KindDefinition = { kind: 'volume', nameScope: 'volume', format: 1 }

/** The short form that lists show. @public */
export interface VolumeSummary {
  readonly name: string
  readonly driver: string
  /** RFC 3339. */
  readonly createdAt: string
  readonly labels: Readonly<Record<string, string>>
  /** What its driver was told. */
  readonly options: Readonly<Record<string, string>>
  /** It was made for a container that named none. */
  readonly anonymous: boolean
  /** The folder of the host in which the data lies, where there is one. */
  readonly mountpoint?: string
}

/** What a new volume is made of. */
export interface NewVolume {
  /** Made up if not given. */
  readonly name?: string
  readonly driver: string
  readonly labels?: Readonly<Record<string, string>>
  readonly options?: Readonly<Record<string, string>>
  readonly anonymous?: boolean
  readonly goesWith?: string
}

/** The record of a volume that is still to be made. */
export function newVolume({ name = newId(), driver, labels = {}, options = {}, anonymous = false, goesWith }: NewVolume): VolumeRecord {
  return {
    name,
    driver,
    labels,
    options,
    anonymous,
    ...(goesWith === undefined ? {} : { goesWith }),
    createdAt: new Date().toISOString(),
    made: false,
    needsCopyUp: true,
    needsChown: true,
  }
}

/** The summary of a record. */
export function summarize({ name, driver, createdAt, labels, options, anonymous, mountpoint }: VolumeRecord): VolumeSummary {
  return { name, driver, createdAt, labels, options, anonymous, ...(mountpoint === undefined ? {} : { mountpoint }) }
}

/** What the registry is given of a record. */
export function draftOf(record: VolumeRecord): RegistryDraft {
  return { id: record.name, names: [], links: [], body: record as unknown as Json, summary: summarize(record) as unknown as Json }
}
