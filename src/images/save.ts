import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type AbortOptions, onAbort } from '../base/abort.ts'
import { randomHex } from '../base/crypto.ts'
import { LibpodError } from '../base/errors.ts'
import { verbOptions } from '../base/schema.ts'
import { step } from '../base/steps.ts'
import type { ImageRecord } from '../storage/image-store.ts'
import { emitImageEvent } from './events.ts'
import { packImages } from './oci-archive.ts'
import { packDockerImages } from './pack-docker-archive.ts'
import { requireImage } from './record.ts'
import { findTarget, openDirect, openNew, refuseTarget } from './save-target.ts'
import type { ImageLease, ImagesServices } from './services.ts'
import { closedDuring, untilClosed } from './until-closed.ts'

/** How archives of each format are written. */
const packers = { 'oci-archive': packImages, 'docker-archive': packDockerImages } as const

/** Options of {@link Image.save}. @public */
export interface SaveImageOptions extends AbortOptions {
  /**
   * `oci-archive`, the default: an OCI image layout in a tarball, with manifests and layers byte for byte; `docker-archive`: what
   * `docker load` of any version takes, without manifests and with layers that are not compressed.
   */
  readonly format?: 'oci-archive' | 'docker-archive' | undefined
  /**
   * The file to write, which is there whole or stays as it was; links are followed. A pipe that somebody reads, and what a link of
   * /proc (as /dev/stdout is one) leads to, is written to as it is. Without a path, the archive is a stream.
   */
  readonly path?: string | undefined
}

const checkOptions = verbOptions<SaveImageOptions>((z) => ({ format: z.string().optional(), path: z.string().min(1).optional() }))

/** Writes images into one archive. */
export async function saveImages(
  services: ImagesServices,
  ids: readonly string[],
  options: SaveImageOptions = {},
): Promise<Readable | undefined> {
  await checkOptions(options)
  if (ids.length === 0)
    throw new LibpodError('invalid-argument', 'images: there is nothing to save.', { path: 'images' }, { hint: 'Name at least one image.' })
  const { format = 'oci-archive' } = options
  if (!Object.hasOwn(packers, format))
    throw new LibpodError(
      'unsupported',
      `Images cannot be saved as ${JSON.stringify(format)}.`,
      { what: String(format) },
      { hint: `Use ${Object.keys(packers).join(' or ')}.` },
    )
  options.signal?.throwIfAborted()
  const records = await Promise.all([...new Set(ids)].map((id) => requireImage(services, id)))
  services.closer.check()
  const { path } = options
  if (path === undefined) return stream(services, records, format, options.signal)
  await untilClosed(services, 'a save', options.signal, (signal) => saveTo(services, records, { path, format, signal }))
  return undefined
}

type Format = keyof typeof packers

/** Ends with the signal and with the engine, which waits until the blobs are let go of. */
function stream(services: ImagesServices, records: readonly ImageRecord[], format: Format, signal: AbortSignal | undefined): Readable {
  const readable = readableOf(services, records, format)
  const stop = (reason: unknown): void => {
    // Until somebody reads, it has nobody to be told to; whoever reads then gets it all the same.
    readable.on('error', () => {})
    readable.destroy(reason as Error)
  }
  const forget = [
    onAbort(signal, stop),
    services.closer.add(async () => {
      stop(closedDuring('a save'))
      await gone(readable)
    }),
  ]
  readable.once('close', () => {
    for (const one of forget) one()
  })
  return readable
}

function readableOf(services: ImagesServices, records: readonly ImageRecord[], format: Format): Readable {
  return Readable.from(archive(services, records, format), { objectMode: false, highWaterMark: 1 << 20 })
}

/** Waits until a stream that was destroyed has let go of all it held. */
async function gone(readable: Readable): Promise<void> {
  if (!readable.closed) await new Promise<void>((resolve) => void readable.once('close', resolve))
}

/** The archive's bytes. Its blobs are leased while it is read: somebody may remove the images meanwhile. */
async function* archive(services: ImagesServices, records: readonly ImageRecord[], format: Format): AsyncGenerator<Buffer, void> {
  const { opened, release } = await leased(services, records)
  try {
    yield* packers[format](services.store.content, opened)
  } finally {
    release()
  }
  for (const record of records) await step(services.probe, 'save.event', () => emitImageEvent(services, 'save', record))
}

/** Holds a lease over a generator's life, and looks again whether the images are still there once it is held. */
function leased(
  services: ImagesServices,
  records: readonly ImageRecord[],
): Promise<{ opened: readonly ImageRecord[]; release: () => void }> {
  return new Promise((resolve, reject) => {
    const hold = async (lease: ImageLease): Promise<void> => {
      await lease.add({
        digests: records.flatMap(({ manifest, config, layers }) => [manifest.digest, config.digest, ...layers.map(({ digest }) => digest)]),
      })
      const opened = await Promise.all(records.map(({ id }) => requireImage(services, id)))
      await new Promise<void>((release) => resolve({ opened, release }))
    }
    services.leases.with(hold).catch(reject)
  })
}

/** Writes beside the target and renames: the file is there whole, or not at all. What is no plain file is written to as it is. */
async function saveTo(
  services: ImagesServices,
  records: readonly ImageRecord[],
  { path, format, signal }: { readonly path: string; readonly format: Format; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const readable = readableOf(services, records, format)
  const write = (to: string, open: (to: string) => Promise<Writable> | Writable): Promise<void> =>
    step(services.probe, 'save.write', async () => pipeline(readable, await open(to), { signal }))
  try {
    const target = await findTarget(path)
    if (target.direct) await write(target.path, (to) => openDirect(to, { signal }))
    else await replace(services, target.path, signal, (beside) => write(beside, openNew))
  } catch (error) {
    readable.destroy()
    await gone(readable)
    signal?.throwIfAborted()
    throw refuseTarget(error, path)
  }
}

/** Whatever goes wrong, the file stays as it was. */
async function replace(
  { probe }: Pick<ImagesServices, 'probe'>,
  path: string,
  signal: AbortSignal | undefined,
  write: (beside: string) => Promise<void>,
): Promise<void> {
  // Not joined: that would take `..` after a link for the folder that the link lies in.
  const beside = `${dirname(path)}/.libpod-${randomHex(6)}`
  try {
    await write(beside)
    signal?.throwIfAborted()
    await step(probe, 'save.rename', () => rename(beside, path))
  } catch (error) {
    // That it cannot be removed is no news beside what went wrong before.
    await rm(beside, { force: true }).catch(() => {})
    throw error
  }
}
