import { type CreateVolumeOptions, createVolume } from './create.ts'
import { iterateVolumes, type ListVolumesOptions, listVolumes } from './list.ts'
import { type PruneVolumesOptions, type PruneVolumesResult, pruneVolumes } from './prune.ts'
import type { VolumeSummary } from './record.ts'
import type { VolumesServices } from './services.ts'
import { readVolume, requireVolume } from './store.ts'
import { Volume } from './volume.ts'

/**
 * The volumes of a runtime.
 *
 * @public
 */
export class Volumes {
  readonly #services: VolumesServices

  /** @internal */
  constructor(services: VolumesServices) {
    this.#services = services
  }

  /**
   * Makes a volume. It is empty until a container uses it: then it is filled with what the image has where it is mounted.
   *
   * Rejects with `already-exists` (unless `ifNotExists`), `invalid-argument` (a name, an option, an unknown driver), `no-space`.
   *
   * @example
   * ```ts
   * const volume = await runtime.volumes.create({ name: 'data' })
   * const { mountpoint } = await volume.inspect()
   * ```
   */
  async create(options?: CreateVolumeOptions): Promise<Volume> {
    return new Volume(this.#services, (await createVolume(this.#services, options)).name)
  }

  /** The volume of a name, which must be the whole one. Rejects with `not-found`. */
  async get(name: string): Promise<Volume> {
    return new Volume(this.#services, (await requireVolume(this.#services, name)).name)
  }

  /** As `get`, but `undefined` where there is none. */
  async find(name: string): Promise<Volume | undefined> {
    return (await this.exists(name)) ? new Volume(this.#services, name) : undefined
  }

  /** A handle for a name, without looking whether the volume exists. */
  ref(name: string): Volume {
    return new Volume(this.#services, name)
  }

  /** Whether there is a volume of this name. */
  async exists(name: string): Promise<boolean> {
    return (await readVolume(this.#services, name)) !== undefined
  }

  /** The volumes that match, as plain data, in the order of their names. */
  list(options?: ListVolumesOptions): Promise<VolumeSummary[]> {
    return listVolumes(this.#services, options)
  }

  /** As `list`, one by one. */
  iterate(options?: ListVolumesOptions): AsyncIterable<VolumeSummary> {
    return iterateVolumes(this.#services, options)
  }

  /** Removes the volumes that no container uses and that match, with their data; those with names, too. */
  prune(options?: PruneVolumesOptions): Promise<PruneVolumesResult> {
    return pruneVolumes(this.#services, options)
  }
}
