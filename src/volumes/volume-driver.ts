import type { AbortOptions } from '../base/abort.ts'
import type { MountSpec } from '../storage/snapshotter.ts'

/**
 * The contract of who keeps the data of volumes.
 *
 * **The model.** A volume is known by its name. `create` makes it, empty; `mount` tells how a user, by its id, comes to it: as a
 * folder of the host, or as a mount that is made in the user's own mount namespace; `unmount` tells that this user has let go;
 * `remove` takes volume and data away. Names, labels, uniqueness, and who uses what are none of a driver's business.
 *
 * **The rules.** 1. The engine writes its record of a volume before `create` and removes it before `remove`, and holds the volume's
 * lock meanwhile; it may die in between. So `create` may meet what was left of an earlier volume of this name, or of itself, and
 * makes an empty one in any case; it is never called for a volume that it has made already. 2. `create` rejects with
 * `invalid-argument` for options that it does not know, at `options.<key>`, and then leaves nothing. 3. `unmount` and `remove`
 * of what is not there are no errors. 4. `mount` may be called again by the same user without an `unmount` in between: the machine may
 * have been restarted. 5. Data outlives everything but `remove`, and is removed whatever it looks like. 6. After an abort the engine waits ten
 * seconds for `create` and `mount` to end, and takes what they give; before that, the volume is asked for nothing else. Whoever takes
 * longer is given up, and undoes by itself what nobody is told of.
 *
 * **An example.**
 * ```ts
 * await driver.create({ name: 'data', options: {}, labels: {} })
 * const source = await driver.mount({ name: 'data', options: {}, labels: {} }, { user: container.id })
 * // { type: 'folder', path: '/var/lib/libpod-ts/volumes/data/_data', … }
 * ```
 *
 * @public
 */
export interface VolumeDriver {
  /** The name that volumes are made with: `local`. Pinned in the record. */
  readonly name: string
  /** Makes a volume. `mountpoint` is the folder of the host in which the data lies, where there is one. */
  create(volume: DriverVolume, options?: AbortOptions): Promise<{ readonly mountpoint?: string }>
  /** Removes a volume with its data. */
  remove(volume: DriverVolume): Promise<void>
  /** How `user` comes to the data. */
  mount(volume: DriverVolume, options: MountVolumeOptions): Promise<VolumeSource>
  /** `user` does not use it any more. */
  unmount(volume: DriverVolume, options: { readonly user: string }): Promise<void>
  /** What the data takes. */
  usage(volume: DriverVolume, options?: AbortOptions): Promise<{ readonly sizeBytes: number; readonly inodes: number }>
}

/** A volume as its driver knows it: plain data. @public */
export interface DriverVolume {
  readonly name: string
  /** What the driver was told when it was made. */
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}

/** Options of {@link VolumeDriver.mount}. @public */
export interface MountVolumeOptions extends AbortOptions {
  /** Who comes to it: the id of a container. */
  readonly user: string
}

/** How one comes to the data of a volume. @public */
export type VolumeSource =
  | {
      readonly type: 'folder'
      readonly path: string
      /**
       * A folder for this volume alone, there or not, on the same file system, out of the reach of every container: beside `path`, never
       * in it nor around it. With it the volume is filled from the image at its first use, and gets its owner; without, that is left
       * to the driver. What is to go into the volume is made in its `partial`, and moved from its `ready`. So these two names are the
       * engine's: what `ready` has is taken for a whole copy, and both are removed, content and all. Nothing else in the folder is
       * touched; and it is removed itself if it is empty then.
       */
      readonly stage?: string
    }
  | { readonly type: 'mount'; readonly mount: MountSpec }
