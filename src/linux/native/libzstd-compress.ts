import { koffi } from './koffi.ts'

/** A compression in progress: an address. */
export type ZstdContext = bigint

/** What is used of libzstd for compressing. A result is 0 or more, or an error of {@link ZstdCompression.errorName}. */
export interface ZstdCompression {
  createCompression(): ZstdContext | null
  freeCompression(context: ZstdContext): void
  setParameter(context: ZstdContext, parameter: number, value: number): ZstdResult
  /**
   * Compresses what `input` has behind `consumed` bytes, as far as the output has room, on a thread of the pool. Neither the context nor a
   * buffer may be touched meanwhile.
   */
  compress(context: ZstdContext, output: Buffer, input: Buffer, consumed: number, operation: number): Promise<CompressedPart>
  /** What went wrong; `undefined` for a result that is none. */
  errorName(result: ZstdResult): string | undefined
}

/** How far {@link ZstdCompression.compress} came. */
export interface CompressedPart {
  /** How much is still to be written out, or an error. */
  readonly result: ZstdResult
  /** Of the input, what was before included. */
  readonly consumed: number
  readonly produced: number
}

/** A size_t: a number as long as it is exact. */
export type ZstdResult = number | bigint

export const ZSTD_c_compressionLevel = 100
export const ZSTD_c_checksumFlag = 201
export const ZSTD_e_continue = 0
export const ZSTD_e_end = 2

let loaded: ZstdCompression | undefined

/** Loads libzstd at the first call; `undefined` when the machine does not have it, or one older than 1.4. */
export function zstdCompression(): ZstdCompression | undefined {
  try {
    loaded ??= bind()
  } catch {
    loaded = undefined
  }
  return loaded
}

function bind(): ZstdCompression {
  const library = koffi().load('libzstd.so.1')
  const compress = library.func('ZSTD_compressStream2', 'size_t', ['void *', 'void *', 'void *', 'int'])
  const isError = library.func('ZSTD_isError', 'uint32_t', ['size_t'])
  const getErrorName = library.func('ZSTD_getErrorName', 'str', ['size_t'])
  return {
    createCompression: library.func('ZSTD_createCCtx', 'void *', []) as unknown as ZstdCompression['createCompression'],
    freeCompression: library.func('ZSTD_freeCCtx', 'size_t', ['void *']) as unknown as ZstdCompression['freeCompression'],
    setParameter: library.func('ZSTD_CCtx_setParameter', 'size_t', ['void *', 'int', 'int']) as unknown as ZstdCompression['setParameter'],
    compress: (context, output, input, consumed, operation) =>
      new Promise((resolve, reject) => {
        const [outputStruct, inputStruct] = [describe(output, 0), describe(input, consumed)]
        compress.async(context, outputStruct, inputStruct, operation, (error: Error | null, result: ZstdResult) => {
          if (error) reject(error)
          else resolve({ result, consumed: positionIn(inputStruct), produced: positionIn(outputStruct) })
        })
      }),
    errorName: (result) => (isError(result) === 0 ? undefined : String(getErrorName(result))),
  }
}

/** `ZSTD_inBuffer` and `ZSTD_outBuffer` on 64 bits: an address, a size, a position. */
function describe(data: Buffer, position: number): Buffer {
  const struct = Buffer.alloc(24)
  struct.writeBigUInt64LE(koffi().address(data), 0)
  struct.writeBigUInt64LE(BigInt(data.length), 8)
  struct.writeBigUInt64LE(BigInt(position), 16)
  return struct
}

function positionIn(struct: Buffer): number {
  return Number(struct.readBigUInt64LE(16))
}
