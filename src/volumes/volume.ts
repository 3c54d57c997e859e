import { inspectVolume, type VolumeInspect } from './inspect.ts'
import { type RemoveVolumeOptions, removeVolume } from './remove.ts'
import type { VolumesServices } from './services.ts'

/**
 * A volume: data that outlives containers. It is only a name and verbs: what it is and who uses it is asked for.
 *
 * @example
 * ```ts
 * const volume = await runtime.volumes.create({ name: 'data', labels: { app: 'web' } })
 * const container = await runtime.containers.create({
 *   image: 'localhost/busybox',
 *   command: ['sh', '-c', 'date >> /data/log'],
 *   mounts: [{ type: 'volume', source: volume.name, target: '/data' }],
 * })
 * await container.start()
 * await container.wait()
 * await volume.remove({ force: true })
 * ```
 *
 * @public
 */
export class Volume {
  /** Its name, which never changes. */
  readonly name: string
  readonly #services: VolumesServices

  /** @internal */
  constructor(services: VolumesServices, name: string) {
    this.#services = services
    this.name = name
  }

  /** All that is known of it. Rejects with `not-found`. */
  inspect(): Promise<VolumeInspect> {
    return inspectVolume(this.#services, this.name)
  }

  /** Removes it with its data. Rejects with `in-use` while containers use it (running or not), unless `force`, which removes those too. */
  remove(options?: RemoveVolumeOptions): Promise<{ changed: boolean }> {
    return removeVolume(this.#services, this.name, options)
  }
}
