import { type DecodedPart, DecodeError, type NativeDecoder } from '../../linux/native/decoder.ts'
import { corruptLayer } from './corrupt-layer.ts'

/** How much is decompressed at once: small enough for the caches, large enough for the switch between threads not to matter. */
const outputBytes = 1 << 19

/**
 * Decompresses on another thread, one piece ahead of whoever takes the pieces. A piece is good until the next one is asked
 * for: there are only two buffers.
 */
export async function* decodeNatively(chunks: AsyncIterable<Buffer>, decoder: NativeDecoder): AsyncGenerator<Buffer, void> {
  const pieces = new PieceReader(chunks, decoder)
  let [output, other] = [Buffer.allocUnsafeSlow(outputBytes), Buffer.allocUnsafeSlow(outputBytes)]
  let next = pieces.fill(output)
  try {
    for (let piece = await next; piece !== undefined; piece = await next) {
      const [free, full] = [other, output]
      output = free
      other = full
      next = pieces.fill(output)
      // It is waited for later; until then nobody hears of its failure.
      next.catch(() => {})
      yield piece
    }
  } finally {
    // Not while it works: it writes into memory that would be gone.
    await next.catch(() => {})
    decoder.close()
    await pieces.close()
  }
}

class PieceReader {
  readonly #iterator: AsyncIterator<Buffer>
  readonly #decoder: NativeDecoder
  #input: Buffer = Buffer.alloc(0)
  #coming: Promise<IteratorResult<Buffer>> | undefined
  /** The decoder has given all that it can make of its input. */
  #drained = true
  #complete = false

  constructor(chunks: AsyncIterable<Buffer>, decoder: NativeDecoder) {
    this.#iterator = chunks[Symbol.asyncIterator]()
    this.#decoder = decoder
  }

  /** Fills a buffer as far as the input at hand reaches; `undefined` at the end. */
  async fill(output: Buffer): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#input.length === 0 && this.#drained && !(await this.#readMore())) return undefined
      const { consumed, produced, complete } = await this.#decode(output)
      this.#input = this.#input.subarray(consumed)
      this.#drained = produced < output.length
      this.#complete = complete
      if (produced > 0) return output.subarray(0, produced)
    }
  }

  async close(): Promise<void> {
    await this.#iterator.return?.()
  }

  async #readMore(): Promise<boolean> {
    const next = await (this.#coming ?? this.#iterator.next())
    this.#coming = undefined
    if (next.done) {
      if (this.#complete) return false
      throw corruptLayer('its compressed bytes are cut off')
    }
    this.#input = next.value
    // The disk is read meanwhile.
    this.#coming = this.#iterator.next()
    this.#coming.catch(() => {})
    return true
  }

  async #decode(output: Buffer): Promise<DecodedPart> {
    try {
      return await this.#decoder.decode(this.#input, output)
    } catch (error) {
      if (error instanceof DecodeError) throw corruptLayer('its compressed bytes are damaged', {}, error)
      throw error
    }
  }
}
