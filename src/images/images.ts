import type { Readable } from 'node:stream'
import type { AbortOptions } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { checkAbortOptions } from '../base/known-keys.ts'
import { Image } from './image.ts'
import type { ImageSummary } from './image-info.ts'
import { type ImportImageOptions, importImage } from './import.ts'
import { iterateImages, type ListImagesOptions, listImages } from './list.ts'
import { type LoadImageOptions, loadImages, loadOneImage } from './load.ts'
import { findImage, getImage } from './lookup.ts'
import { type PruneImagesOptions, type PruneImagesReport, pruneImages } from './prune.ts'
import type { PullImageOptions } from './pull/pull-options.ts'
import { type SaveImageOptions, saveImages } from './save.ts'
import type { ImagesServices } from './services.ts'

/**
 * The images in the local store: `runtime.images`.
 *
 * Wherever an image is asked for, a text means, in this order: a full id (with or without `sha256:`); a name, first as
 * it stands, then under `localhost/`, then on Docker Hub; `name@digest`; and last the unique beginning of an id.
 *
 * @public
 */
export class Images {
  readonly #services: ImagesServices

  /** @internal */
  constructor(services: ImagesServices) {
    this.#services = services
  }

  /**
   * Brings an image from a registry: `docker.io/library/alpine:3`, `name@digest`, or a short name as registries.conf explains it. Of an
   * image for several platforms, that of `platform` is taken. Layers come several at a time and are extracted while they come; what is
   * there already is not fetched again, and of several who pull the same, also in other processes, one does. What broke off goes on.
   *
   * Rejects with `not-found` if the registry does not have it; `registry` for what the registry answers otherwise, or if it cannot be
   * reached (`details.status`, `details.retryable`); `corrupt` for bytes that are not those of their digest; `ambiguous` for a short name
   * that may not be guessed; `permission-denied` for a registry that registries.conf blocks; `unsupported` for a platform that is not there
   * or for what is no image; `no-space`. Then, and after an abort, nothing is listed that was not before.
   *
   * @example
   * ```ts
   * const image = await runtime.images.pull('docker.io/library/alpine:3', {
   *   policy: 'newer',
   *   onProgress: ({ bytes, totalBytes = 0 }) => console.log(`${bytes} of ${totalBytes}`),
   * })
   * ```
   */
  async pull(reference: string, options?: PullImageOptions): Promise<Image> {
    const { pullImage } = await import('./pull.ts')
    return this.ref((await pullImage(this.#services, reference, options)).id)
  }

  /**
   * Makes an image of one layer from a tarball of a root file system: a path or a stream; plain, gzip or zstd, which is found out
   * by looking. Compressed bytes are kept as they are.
   *
   * Rejects with `invalid-argument` for a bad option, `not-found` for a missing file, `corrupt` for what is no
   * tarball or is cut off, `unsupported` for another compression, `no-space`. Then, and after an abort, nothing is listed.
   *
   * @example
   * ```ts
   * const image = await runtime.images.import('rootfs.tar', {
   *   tag: 'localhost/mine:1',
   *   changes: ['CMD ["/bin/sh"]', 'ENV LANG=C.UTF-8'],
   * })
   * ```
   */
  async import(source: string | Readable, options?: ImportImageOptions): Promise<Image> {
    return this.ref((await importImage(this.#services, source, options)).id)
  }

  /**
   * Loads the one image of an archive: an oci-archive, a docker-archive (what `docker save` and `podman save` write), or the directory
   * of an OCI image layout; a path or a stream, also compressed with gzip. It gets the names that the archive gives it.
   * Of an image for several platforms, that of `platform` is taken.
   *
   * Rejects with `ambiguous` if the archive holds several images (see {@link Images.loadAll}), `not-found` for a missing file, `corrupt` for
   * what is cut off, forged or no archive of images, `unsupported` for a platform that is not in it or for what is not an image, `no-space`.
   *
   * @example
   * ```ts
   * const image = await runtime.images.load('mine.tar')
   * ```
   */
  async load(source: string | Readable, options?: LoadImageOptions): Promise<Image> {
    return this.ref((await loadOneImage(this.#services, source, options)).id)
  }

  /**
   * Loads every image of an archive, in its order. See {@link Images.load}.
   *
   * @example
   * ```ts
   * const images = await runtime.images.loadAll('several.tar')
   * ```
   */
  async loadAll(source: string | Readable, options?: LoadImageOptions): Promise<Image[]> {
    return (await loadImages(this.#services, source, options)).map(({ id }) => this.ref(id))
  }

  /**
   * Writes several images into one archive. See {@link Image.save}.
   *
   * @example
   * ```ts
   * await runtime.images.save(['localhost/one', 'localhost/two'], { path: 'both.tar' })
   * ```
   */
  save(images: readonly string[], options: SaveImageOptions & { readonly path: string }): Promise<void>
  save(images: readonly string[], options?: SaveImageOptions & { readonly path?: undefined }): Promise<Readable>
  async save(images: readonly string[], options: SaveImageOptions = {}): Promise<unknown> {
    if (!Array.isArray(images)) throw notImages(images)
    const records = await Promise.all(images.map((image) => getImage(this.#services, image)))
    return saveImages(
      this.#services,
      records.map(({ id }) => id),
      options,
    )
  }

  /**
   * The image that a name or an id means. Rejects with `not-found`, or `ambiguous` for the beginning of several ids.
   *
   * @example
   * ```ts
   * const image = await runtime.images.get('alpine:3')
   * ```
   */
  async get(nameOrId: string, options?: AbortOptions): Promise<Image> {
    checkAbortOptions(options, 'images.get')
    return this.ref((await getImage(this.#services, nameOrId, options)).id)
  }

  /**
   * As {@link Images.get}, but gives `undefined` if there is none. Rejects with `ambiguous` for the beginning of several ids.
   *
   * @example
   * ```ts
   * const image = (await runtime.images.find('localhost/mine:1')) ?? (await runtime.images.import('rootfs.tar', { tag: 'localhost/mine:1' }))
   * ```
   */
  async find(nameOrId: string, options?: AbortOptions): Promise<Image | undefined> {
    checkAbortOptions(options, 'images.find')
    const record = await findImage(this.#services, nameOrId, options)
    return record && this.ref(record.id)
  }

  /**
   * A handle for a full id, without looking whether the image is there.
   *
   * @example
   * ```ts
   * const [newest] = await runtime.images.list()
   * if (newest) await runtime.images.ref(newest.id).tag('localhost/newest')
   * ```
   */
  ref(id: string): Image {
    return new Image(this.#services, id)
  }

  /**
   * Whether a name or an id means an image that is there.
   *
   * @example
   * ```ts
   * if (!(await runtime.images.exists('localhost/mine:1'))) await runtime.images.load('mine.tar')
   * ```
   */
  async exists(nameOrId: string, options?: AbortOptions): Promise<boolean> {
    checkAbortOptions(options, 'images.exists')
    return (await findImage(this.#services, nameOrId, options)) !== undefined
  }

  /**
   * The images that match, the newest first. Rejects with `invalid-argument` for an unknown filter.
   *
   * @example
   * ```ts
   * const mine = await runtime.images.list({ filters: { reference: 'localhost/*', label: ['project=x'] } })
   * ```
   */
  list(options?: ListImagesOptions): Promise<ImageSummary[]> {
    return listImages(this.#services, options)
  }

  /**
   * As {@link Images.list}, but a stream in the order of the ids.
   *
   * @example
   * ```ts
   * for await (const { id, names } of runtime.images.iterate()) console.log(id, names)
   * ```
   */
  iterate(options?: ListImagesOptions): AsyncIterable<ImageSummary> {
    return iterateImages(this.#services, options)
  }

  /**
   * Removes the images that have no name, or with `all` those that no container uses. What is in use stays.
   *
   * @example
   * ```ts
   * const { images } = await runtime.images.prune({ all: true, filters: { until: '24h' } })
   * ```
   */
  prune(options?: PruneImagesOptions): Promise<PruneImagesReport> {
    return pruneImages(this.#services, options)
  }
}

function notImages(value: unknown): LibpodError {
  return new LibpodError(
    'invalid-argument',
    'images: must be an array of names or ids.',
    { path: 'images', value },
    { hint: 'For a single one, write [name], or call save() of the image.' },
  )
}
