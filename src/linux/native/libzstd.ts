import { DecodeError, type NativeDecoder } from './decoder.ts'
import { koffi } from './koffi.ts'

/** `ZSTD_inBuffer` and `ZSTD_outBuffer` on 64 bits: an address, a size, a position. */
const bufferSize = 24

interface Zstd {
  createDStream(): bigint | null
  freeDStream(stream: bigint): void
  decompressStream(stream: bigint, output: Buffer, input: Buffer): Promise<number | bigint>
  isError(code: number | bigint): number
  errorName(code: number | bigint): string
}

let loaded: Zstd | undefined

/** A decoder for zstd by libzstd, which dpkg and rpm need as well; `undefined` when the machine does not have it. */
export function zstdDecoder(): NativeDecoder | undefined {
  loaded ??= load()
  return loaded && new ZstdDecoder(loaded)
}

function load(): Zstd | undefined {
  try {
    const library = koffi().load('libzstd.so.1')
    const decompressStream = library.func('size_t ZSTD_decompressStream(void *stream, void *output, void *input)')
    return {
      createDStream: library.func('void *ZSTD_createDStream()') as unknown as Zstd['createDStream'],
      freeDStream: library.func('size_t ZSTD_freeDStream(void *stream)') as unknown as Zstd['freeDStream'],
      decompressStream: (stream, output, input) =>
        new Promise((resolve, reject) => {
          decompressStream.async(stream, output, input, (error: Error | null, code: number | bigint) =>
            error ? reject(error) : resolve(code),
          )
        }),
      isError: library.func('uint32_t ZSTD_isError(size_t code)') as unknown as Zstd['isError'],
      errorName: library.func('str ZSTD_getErrorName(size_t code)') as unknown as Zstd['errorName'],
    }
  } catch {
    return undefined
  }
}

class ZstdDecoder implements NativeDecoder {
  readonly #zstd: Zstd
  readonly #stream: bigint
  readonly #input = Buffer.alloc(bufferSize)
  readonly #output = Buffer.alloc(bufferSize)
  #complete = false

  constructor(zstd: Zstd) {
    this.#zstd = zstd
    const stream = zstd.createDStream()
    if (stream === null) throw new Error('There is no memory for zstd.')
    this.#stream = stream
  }

  async decode(input: Buffer, output: Buffer): ReturnType<NativeDecoder['decode']> {
    // With nothing to read it would begin a next frame.
    if (input.length === 0 && this.#complete) return { consumed: 0, produced: 0, complete: true }
    for (const [about, data] of [
      [this.#input, input],
      [this.#output, output],
    ] as const) {
      about.writeBigUInt64LE(koffi().address(data), 0)
      about.writeBigUInt64LE(BigInt(data.length), 8)
      about.writeBigUInt64LE(0n, 16)
    }
    const code = await this.#zstd.decompressStream(this.#stream, this.#output, this.#input)
    if (this.#zstd.isError(code) !== 0) throw new DecodeError(`zstd says ${this.#zstd.errorName(code)}`)
    this.#complete = Number(code) === 0
    return {
      consumed: Number(this.#input.readBigUInt64LE(16)),
      produced: Number(this.#output.readBigUInt64LE(16)),
      complete: this.#complete,
    }
  }

  close(): void {
    this.#zstd.freeDStream(this.#stream)
  }
}
