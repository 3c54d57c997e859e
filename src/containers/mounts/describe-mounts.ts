import type { ContainerMount } from '../../oci/spec/mount.ts'
import { readVolume } from '../../volumes/store.ts'
import type { ContainerRecord } from '../record.ts'
import type { ContainersServices } from '../services.ts'

/** A mount of a container, as Podman's `Mounts` tells of it. @public */
export interface ContainerMountInfo {
  readonly type: ContainerMount['type']
  /** The volume's name. */
  readonly name?: string
  /** A path of the host, of a volume where its data lies; the name of an image; `tmpfs`. */
  readonly source: string
  readonly target: string
  /** Who keeps the volume. */
  readonly driver?: string
  readonly options: readonly string[]
  /** It can be written to. */
  readonly rw: boolean
  /** `rprivate`, `rslave`, … */
  readonly propagation: string
}

const propagations = /^r?(private|slave|shared|unbindable)$/

/** Tells of each mount of a container's options. */
export function describeMounts(services: ContainersServices, { options }: ContainerRecord): Promise<ContainerMountInfo[]> {
  return Promise.all(
    options.mounts.map(async ({ type, source, target, options }) => {
      const volume = type === 'volume' ? await readVolume(services, source) : undefined
      return {
        type,
        ...(type === 'volume' ? { name: source } : {}),
        source: type === 'volume' ? (volume?.mountpoint ?? '') : source,
        target,
        ...(volume === undefined ? {} : { driver: volume.driver }),
        options,
        rw: !options.includes('ro'),
        propagation: options.find((option) => propagations.test(option)) ?? '',
      }
    }),
  )
}
