import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs'
import { mapFsError } from '../../linux/fs/disk.ts'
import type { HelperOperation } from '../../linux/helper/helper.ts'
import { compressLayer, type LayerSums } from './compress.ts'
import type { Compression } from './compression.ts'
import { type DiffSource, diffChunks } from './diff/diff-layer.ts'
import { LayerWarnings } from './warnings.ts'

/** A layer to be made of a snapshot. */
export interface LayerToWrite extends DiffSource {
  /** The blob's file, made by the caller. What it holds is replaced; after a failure it is worth nothing and the caller's to remove. */
  readonly output: string
  readonly compression: Compression
  /** See `compressLayer`. */
  readonly level?: number
}

/** How far the work is: uncompressed bytes. */
export interface DiffProgress {
  readonly bytes: number
}

/** A layer that was written. */
export interface WrittenLayer extends LayerSums {
  /** What was left out, or changed while it was read. */
  readonly warnings: readonly string[]
}

/** After so long others have their turn. */
const burstMs = 20

/** After so many bytes the caller hears of it. */
const progressBytes = 4 << 20

/** Writes the changes of a snapshot as the blob of a layer. For the helper process. */
export const diffLayer: HelperOperation = async (params, { send, signal }): Promise<WrittenLayer> => {
  const { output, compression, level, ...source } = params as LayerToWrite
  const warnings = new LayerWarnings()
  const chunks = inBursts(diffChunks(source, warnings), signal, (bytes) => send({ bytes } satisfies DiffProgress))
  const layer = compressLayer(chunks, { compression, ...(level === undefined ? {} : { level }) })
  const fd = openSync(output, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    ftruncateSync(fd)
    for await (const chunk of layer.bytes) writeAll(fd, chunk, output)
  } finally {
    closeSync(fd)
  }
  return { ...layer.sums(), warnings: warnings.list() }
}

/** Pulls the chunks and lets others have their turn in between, an abort among them. */
async function* inBursts(chunks: Iterable<Buffer>, signal: AbortSignal, progress: (bytes: number) => void): AsyncGenerator<Buffer, void> {
  let [bytes, told] = [0, 0]
  let turnAt = performance.now() + burstMs
  for (const chunk of chunks) {
    signal.throwIfAborted()
    bytes += chunk.length
    if (chunk.length > 0) yield chunk
    if (bytes - told >= progressBytes) {
      told = bytes
      progress(bytes)
    }
    if (performance.now() < turnAt) continue
    await new Promise((resolve) => setImmediate(resolve))
    turnAt = performance.now() + burstMs
  }
  signal.throwIfAborted()
  if (bytes > told) progress(bytes)
}

function writeAll(fd: number, chunk: Buffer, path: string): void {
  try {
    for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at)
  } catch (error) {
    throw mapFsError(error, path)
  }
}
