import { onAbort } from '../../base/abort.ts'
import { AsyncQueue } from '../../base/async-queue.ts'
import { isLibpodError } from '../../base/errors.ts'
import { step } from '../../base/steps.ts'
import type { Ingest } from '../../storage/content-store.ts'
import { type BlobRef, corrupt } from '../blobs.ts'
import type { ImagesServices } from '../services.ts'
import type { ImageSource } from '../transport.ts'
import { fetchBlob } from './fetch-blob.ts'

/** A blob whose bytes still come, for one reader to follow. While it is held, the file stays where it is. */
export interface GrowingBlob {
  readonly path: string
  readonly growing: AsyncIterable<number>
  release(): void
}

/** What a download works with. */
export interface DownloadOptions {
  readonly services: ImagesServices
  readonly source: ImageSource
  readonly signal: AbortSignal
  readonly onGrowth: (size: number) => void
}

/** How far the blob grows before the reader is told: a message costs more than a megabyte takes to write. */
const announceBytes = 1 << 20

/** One blob on its way into the content store. In all processes together, one downloads it and the others wait. */
export class BlobDownload {
  readonly #blob: BlobRef
  readonly #options: DownloadOptions
  readonly #opened = deferred()
  readonly #done = deferred()
  readonly #growth = new AsyncQueue<number>()
  #path: string | undefined
  #reader: Deferred | undefined

  constructor(blob: BlobRef, options: DownloadOptions) {
    this.#blob = blob
    this.#options = options
  }

  /** Resolves once bytes come, or are there already. */
  get opened(): Promise<void> {
    return this.#opened.promise
  }

  /** Resolves once the blob is there. */
  get done(): Promise<void> {
    return this.#done.promise
  }

  /** Follows the bytes that come; `undefined` if none come any more, or some of them are not trusted yet. */
  follow(): GrowingBlob | undefined {
    if (this.#path === undefined) return undefined
    const reader = deferred()
    this.#reader = reader
    return { path: this.#path, growing: this.#growth, release: reader.resolve }
  }

  /** Runs the download; the lease names the blob already. A failure is for the caller to tell to all others, by the signal. */
  async run(): Promise<void> {
    // Only then, also after a failure of this one: whoever follows must not take it for the end of the bytes.
    onAbort(this.#options.signal, () => this.#growth.end())
    try {
      await this.#run()
      this.#opened.resolve()
      this.#done.resolve()
    } catch (error) {
      this.#opened.reject(error)
      this.#done.reject(error)
      throw error
    }
  }

  async #run(): Promise<void> {
    const { services, signal, onGrowth } = this.#options
    const { digest, size } = this.#blob
    if (await this.#isThere()) return onGrowth(size)
    const release = await services.locks.acquire(`blob/${digest}`, { signal })
    try {
      if (await this.#isThere()) return onGrowth(size)
      await step(services.probe, 'pull.blob', () => this.#download())
    } finally {
      await release({ remove: true })
    }
  }

  async #isThere(): Promise<boolean> {
    const { services, source } = this.#options
    const { digest, size } = this.#blob
    const there = await services.store.content.stat(digest)
    if (there !== undefined && there.sizeBytes !== size)
      throw corrupt(`Blob ${digest} of ${source.label}`, `its manifest says that it has ${size} bytes instead of ${there.sizeBytes}`)
    return there !== undefined
  }

  async #download(): Promise<void> {
    const { services, signal } = this.#options
    const { digest, size } = this.#blob
    const open = (): Promise<Ingest> => services.store.content.ingest({ reference: digest, digest, sizeBytes: size, signal })
    const first = await open()
    const resumed = first.offset > 0
    try {
      await this.#fill(first, resumed)
    } catch (error) {
      // What an earlier pull left may have been damaged since, by a power cut: then all of it is fetched again.
      if (!resumed || !isLibpodError(error, 'corrupt')) throw error
      await this.#fill(await open(), true)
    }
  }

  async #fill(ingest: Ingest, resumed: boolean): Promise<void> {
    const { services, source, signal, onGrowth } = this.#options
    try {
      if (ingest.offset > this.#blob.size) await ingest.truncate()
      if (!resumed) this.#path = ingest.path
      this.#opened.resolve()
      let announced = 0
      await fetchBlob(ingest, this.#blob, {
        source,
        logger: services.logger,
        signal,
        onGrowth: (size) => {
          if (size - announced < announceBytes) return
          announced = size
          this.#growth.push(size)
          onGrowth(size)
        },
      })
      this.#growth.push(ingest.offset)
      this.#growth.end()
      onGrowth(ingest.offset)
      // Whoever follows has yet to open the file by its present name.
      this.#path = undefined
      await this.#reader?.promise
      signal.throwIfAborted()
      await ingest.commit()
    } finally {
      this.#path = undefined
      await ingest.close()
    }
  }
}

interface Deferred {
  readonly promise: Promise<void>
  resolve(): void
  reject(error: unknown): void
}

function deferred(): Deferred {
  let resolve = (): void => {}
  let reject = (_: unknown): void => {}
  const promise = new Promise<void>((done, failed) => {
    resolve = done
    reject = failed
  })
  // Not everybody waits for everything.
  promise.catch(() => {})
  return { promise, resolve, reject }
}
