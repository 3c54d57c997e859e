import type { Readable } from 'node:stream'
import type { AbortOptions } from '../base/abort.ts'
import { checkAbortOptions } from '../base/known-keys.ts'
import { imageHistory } from './history.ts'
import type { ImageHistoryEntry, ImageInspect } from './image-info.ts'
import { inspectImage } from './inspect.ts'
import { type RemoveImageOptions, removeImage } from './remove.ts'
import { type SaveImageOptions, saveImages } from './save.ts'
import type { ImagesServices } from './services.ts'
import { tagImage } from './tag.ts'
import { untagImage } from './untag.ts'

/**
 * An image in the local store. It is only an id and verbs: what it is called and contains is asked for.
 *
 * Got from {@link Images.get}, {@link Images.import} and their like; nothing has to be given back.
 *
 * @public
 */
export class Image {
  readonly #services: ImagesServices
  /** 64 hex digits: the digest of the image's configuration. */
  readonly id: string

  /** @internal */
  constructor(services: ImagesServices, id: string) {
    this.#services = services
    this.id = id
  }

  /**
   * Gives the image one more name; an image that had this name loses it. A name without a registry goes to `localhost/`, one
   * without a tag gets `latest`. Resolves with `{ changed: false }` if it had the name already.
   *
   * Rejects with `invalid-argument` for a malformed name, `not-found` if the image is gone.
   *
   * @example
   * ```ts
   * const image = await runtime.images.get('localhost/mine:1')
   * await image.tag('localhost/mine:stable')
   * ```
   */
  async tag(name: string, options?: AbortOptions): Promise<{ changed: boolean }> {
    checkAbortOptions(options, 'tag')
    return tagImage(this.#services, this.id, name, options)
  }

  /**
   * Takes one name away, or all of them if none is given. The image stays, dangling once it has no name.
   *
   * Rejects with `not-found` if the image is gone or does not have the name.
   *
   * @example
   * ```ts
   * const image = await runtime.images.get('localhost/mine:1')
   * await image.untag('localhost/mine:1')
   * ```
   */
  async untag(name?: string, options?: AbortOptions): Promise<{ changed: boolean }> {
    checkAbortOptions(options, 'untag')
    return untagImage(this.#services, this.id, name, options)
  }

  /**
   * Everything about the image: its names, how it is run, its layers and its history.
   *
   * Rejects with `not-found` if it is gone, `corrupt` if its manifest or configuration is damaged.
   *
   * @example
   * ```ts
   * const image = await runtime.images.get('localhost/mine:1')
   * const { config, platform, sizeBytes } = await image.inspect()
   * ```
   */
  async inspect(options?: AbortOptions): Promise<ImageInspect> {
    checkAbortOptions(options, 'inspect')
    return inspectImage(this.#services, this.id, options)
  }

  /**
   * The steps that made the image, the newest first.
   *
   * Rejects with `not-found` if it is gone, `corrupt` if its configuration is damaged.
   *
   * @example
   * ```ts
   * const image = await runtime.images.get('localhost/mine:1')
   * for (const { createdBy, sizeBytes } of await image.history()) console.log(sizeBytes, createdBy)
   * ```
   */
  async history(options?: AbortOptions): Promise<ImageHistoryEntry[]> {
    checkAbortOptions(options, 'history')
    return imageHistory(this.#services, this.id, options)
  }

  /**
   * Writes the image into an archive that this and other engines can load. In an oci-archive, its manifest and its layers are the very
   * bytes that came in; a docker-archive keeps its configuration, and with it its id. With `path` the file appears whole or not at all; without, the archive is a stream.
   *
   * Rejects with `not-found` if the image is gone, `unsupported` for a format that is not known, `no-space`, `permission-denied`.
   *
   * @example
   * ```ts
   * const image = await runtime.images.get('localhost/mine:1')
   * await image.save({ format: 'oci-archive', path: 'mine.tar' })
   * ```
   */
  save(options: SaveImageOptions & { readonly path: string }): Promise<void>
  save(options?: SaveImageOptions & { readonly path?: undefined }): Promise<Readable>
  save(options: SaveImageOptions = {}): Promise<unknown> {
    return saveImages(this.#services, [this.id], options)
  }

  /**
   * Removes the image. An image with several names is removed only with `force`: take the name away with
   * {@link Image.untag} if that is what is meant. With `force`, containers that use it are removed as well.
   *
   * Rejects with `in-use` while containers use it, or if it has several names (unless `force`), `not-found` if it is gone (unless `ifExists`).
   *
   * @example
   * ```ts
   * const image = await runtime.images.get('localhost/mine:1')
   * await image.remove({ force: true })
   * ```
   */
  remove(options?: RemoveImageOptions): Promise<{ changed: boolean }> {
    return removeImage(this.#services, this.id, options)
  }
}
