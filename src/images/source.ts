import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { onAbort } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { corrupt } from './blobs.ts'
import { unusablePath } from './unusable-path.ts'

/** Where an import or a load reads from. */
export type Source = ByteSource | { readonly kind: 'directory'; readonly path: string }

/** Bytes, from a file or a stream. */
export interface ByteSource {
  readonly kind: 'bytes'
  /** What messages call it. */
  readonly label: string
  /** Can be read once. */
  readonly bytes: AsyncIterable<Buffer>
  readonly totalBytes?: number
  /** Stops reading and lets go of the file or stream. */
  close(): void
}

/** Bytes are handled in pieces of at most this, so that nothing holds up the event loop for long. */
const pieceBytes = 1 << 20

/** Opens what the caller named or handed over. */
export async function openSource(source: string | Readable, signal: AbortSignal | undefined): Promise<Source> {
  signal?.throwIfAborted()
  if (typeof source === 'string' && (source === '' || source.includes('\0'))) throw notAPath(source)
  if (typeof source !== 'string') return fromStream(checkStream(source), 'the stream', undefined, signal)
  const info = await stat(source).catch((error: NodeJS.ErrnoException): never => {
    throw refuseFile(source, error)
  })
  if (info.isDirectory()) return { kind: 'directory', path: source }
  if (!info.isFile()) {
    throw new LibpodError(
      'invalid-argument',
      `source: ${source} is neither a file nor a directory.`,
      { path: 'source', value: source },
      { hint: 'Open it yourself and hand over a stream.' },
    )
  }
  return fromStream(createReadStream(source, { highWaterMark: pieceBytes }), source, info.size, signal)
}

function notAPath(source: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `source: ${JSON.stringify(source)} is not a path.`,
    { path: 'source', value: source },
    { hint: 'Give the path of a file, or a Readable.' },
  )
}

/** Opens what must be bytes. */
export async function openByteSource(source: string | Readable, signal: AbortSignal | undefined): Promise<ByteSource> {
  const opened = await openSource(source, signal)
  if (opened.kind === 'bytes') return opened
  throw new LibpodError(
    'invalid-argument',
    `source: ${opened.path} is a directory.`,
    { path: 'source', value: source },
    { hint: 'Give a tarball, as a path or a stream.' },
  )
}

function checkStream(source: Readable): Readable {
  if (typeof source === 'object' && source !== null && Symbol.asyncIterator in source && typeof source.destroy === 'function') return source
  throw new LibpodError(
    'invalid-argument',
    'source: it is neither a path nor a readable stream.',
    { path: 'source' },
    { hint: 'Give a path or a Readable; Readable.fromWeb() makes one of a web stream.' },
  )
}

function fromStream(stream: Readable, label: string, totalBytes: number | undefined, signal: AbortSignal | undefined): ByteSource {
  // Until somebody reads, a failure has nobody else to be told to; the reader gets it all the same.
  stream.on('error', () => {})
  return {
    kind: 'bytes',
    label,
    bytes: piecesOf(stream, label, signal),
    ...(totalBytes === undefined ? {} : { totalBytes }),
    close: () => void stream.destroy(),
  }
}

async function* piecesOf(stream: Readable, label: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer, void> {
  const forget = onAbort(signal, () => stream.destroy())
  try {
    for await (const chunk of chunksOf(stream)) {
      const data = toBuffer(chunk)
      for (let at = 0; at < data.length; at += pieceBytes) yield data.subarray(at, at + pieceBytes)
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof LibpodError) throw error
    throw isMissing(error) ? refuseFile(label, error) : corrupt(label, 'it broke off while it was read', error)
  } finally {
    forget()
  }
  signal?.throwIfAborted()
}

/** Who stops reading early closes the stream itself: left to the iterator, it would be destroyed with an error that is nobody's. */
function chunksOf(stream: Readable): AsyncIterable<unknown> {
  return typeof stream.iterator === 'function' ? { [Symbol.asyncIterator]: () => stream.iterator({ destroyOnReturn: false }) } : stream
}

function toBuffer(chunk: unknown): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (typeof chunk === 'string') return Buffer.from(chunk)
  throw new LibpodError(
    'invalid-argument',
    'source: the stream gives something else than bytes.',
    { path: 'source' },
    { hint: 'Give a stream of Buffers, not one in object mode.' },
  )
}

function isMissing(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && ['ENOENT', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')
}

/** The failure to open or read a file of the caller's. */
export function refuseFile(path: string, error: NodeJS.ErrnoException): Error {
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR')
    return unusablePath(error, { option: 'source', path, verb: 'read', hint: 'Give the path of a file, or a Readable.' })
  return new LibpodError('not-found', `There is no file ${path}.`, { kind: 'file', ref: path }, { cause: error })
}

/** The first bytes of a source, and all of it again. */
export async function peek(
  bytes: AsyncIterable<Buffer>,
  length: number,
): Promise<{ readonly head: Buffer; readonly bytes: AsyncGenerator<Buffer, void> }> {
  const iterator = bytes[Symbol.asyncIterator]()
  const seen: Buffer[] = []
  let size = 0
  while (size < length) {
    const next = await iterator.next()
    if (next.done) break
    seen.push(next.value)
    size += next.value.length
  }
  return { head: Buffer.concat(seen).subarray(0, length), bytes: continued(seen, iterator) }
}

async function* continued(seen: readonly Buffer[], iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void> {
  try {
    yield* seen
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}
