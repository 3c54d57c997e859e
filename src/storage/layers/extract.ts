import { setImmediate } from 'node:timers/promises'
import type { AbortOptions } from '../../base/abort.ts'
import { crypto } from '../../base/crypto.ts'
import { Confinement } from '../../linux/fs/confinement.ts'
import { blobChunks } from './blob-chunks.ts'
import { corruptLayer } from './corrupt-layer.ts'
import { decompress } from './decompress.ts'
import { EntryWriter } from './entry-writer.ts'
import type { ExtractedLayer, LayerToExtract } from './extraction.ts'
import { TarReader } from './tar-reader.ts'
import { LayerWarnings } from './warnings.ts'

/** So many directories get their time before the event loop has its turn. */
const finishSlice = 1000

/**
 * Extracts a layer. For the helper process only: with every piece that was decompressed, the process locks itself into the target
 * (see {@link Confinement}), writes what it holds, and comes out again, so that no name and no link in an archive leads out.
 * Throws `corrupt` and `no-space`. What was written by then stays: the target is half-made anyway, and goes as a whole.
 */
export async function extractLayer(
  { path, target, growing, diffId }: LayerToExtract,
  { signal }: AbortOptions = {},
): Promise<ExtractedLayer> {
  const confinement = new Confinement(target.path)
  const stop = new AbortController()
  const warnings = new LayerWarnings()
  const writer = new EntryWriter(target, confinement, warnings)
  const reader = new TarReader(writer)
  const hash = crypto().createHash('sha256')
  try {
    const chunks = blobChunks(path, growing, signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]))
    for await (const bytes of decompress(chunks)) {
      try {
        signal?.throwIfAborted()
        hash.update(bytes)
        confinement.run(() => reader.write(bytes))
      } catch (error) {
        // More bytes may be waited for, which nobody needs now.
        stop.abort(error)
        throw error
      }
    }
    reader.end()
    while (confinement.run(() => writer.finishSome(finishSlice))) {
      await setImmediate()
      signal?.throwIfAborted()
    }
  } finally {
    writer.close()
    confinement.close()
  }
  const actual = `sha256:${hash.digest('hex')}` as const
  if (diffId !== undefined && actual !== diffId) throw corruptLayer(`its uncompressed bytes have the digest ${actual} instead of ${diffId}`)
  if (!reader.ended) warnings.add('end', 'The archive has no end mark; it may lack its last entries.')
  return { diffId: actual, sizeBytes: writer.sizeBytes, warnings: warnings.list() }
}
