import { DecodeError, type NativeDecoder } from './decoder.ts'
import { koffi } from './koffi.ts'

/** `z_stream` on 64 bits: next_in, avail_in, total_in, next_out, avail_out, total_out, msg, state and others; 112 bytes. */
const streamSize = 112
const nextIn = 0
const availIn = 8
const nextOut = 24
const availOut = 32

/** A window of 32 KiB, and only gzip around it. */
const gzipWindow = 15 + 16

const Z_OK = 0
const Z_STREAM_END = 1
const Z_BUF_ERROR = -5
const Z_NO_FLUSH = 0

interface Zlib {
  inflateInit2_(stream: Buffer, windowBits: number, version: string, size: number): number
  inflateReset(stream: Buffer): number
  inflateEnd(stream: Buffer): number
  inflate(stream: Buffer, flush: number): Promise<number>
  zlibVersion(): string
}

let loaded: Zlib | undefined

/**
 * A decoder for gzip by the zlib that Node itself has, which it exports; `undefined` where it does not. Never another one: two of
 * them in one process get in each other's way.
 */
export function gzipDecoder(): NativeDecoder | undefined {
  loaded ??= load()
  return loaded && new GzipDecoder(loaded)
}

function load(): Zlib | undefined {
  const library = koffi().load(null)
  try {
    const inflate = library.func('int inflate(void *stream, int flush)')
    return {
      inflateInit2_: library.func(
        'int inflateInit2_(void *stream, int windowBits, str version, int size)',
      ) as unknown as Zlib['inflateInit2_'],
      inflateReset: library.func('int inflateReset(void *stream)') as unknown as Zlib['inflateReset'],
      inflateEnd: library.func('int inflateEnd(void *stream)') as unknown as Zlib['inflateEnd'],
      inflate: (stream, flush) =>
        new Promise((resolve, reject) => {
          inflate.async(stream, flush, (error: Error | null, code: number) => (error ? reject(error) : resolve(code)))
        }),
      zlibVersion: library.func('str zlibVersion()') as unknown as Zlib['zlibVersion'],
    }
  } catch {
    return undefined
  }
}

class GzipDecoder implements NativeDecoder {
  readonly #zlib: Zlib
  /** Not from Node's pool of small buffers: zlib keeps its address. */
  readonly #stream = Buffer.alloc(streamSize)
  #ended = false

  constructor(zlib: Zlib) {
    this.#zlib = zlib
    const code = zlib.inflateInit2_(this.#stream, gzipWindow, zlib.zlibVersion(), streamSize)
    if (code !== Z_OK) throw new Error(`zlib does not start: ${code}.`)
  }

  async decode(input: Buffer, output: Buffer): ReturnType<NativeDecoder['decode']> {
    if (this.#ended) {
      // Several files one after the other are one. What is no file is padding.
      if (input[0] !== gzipMagic) return { consumed: input.length, produced: 0, complete: true }
      this.#zlib.inflateReset(this.#stream)
      this.#ended = false
    }
    const stream = this.#stream
    stream.writeBigUInt64LE(koffi().address(input), nextIn)
    stream.writeUInt32LE(input.length, availIn)
    stream.writeBigUInt64LE(koffi().address(output), nextOut)
    stream.writeUInt32LE(output.length, availOut)
    const code = await this.#zlib.inflate(stream, Z_NO_FLUSH)
    // No progress without more input is no error.
    if (code !== Z_OK && code !== Z_STREAM_END && code !== Z_BUF_ERROR) throw new DecodeError(`zlib says ${code}`)
    this.#ended = code === Z_STREAM_END
    return {
      consumed: input.length - stream.readUInt32LE(availIn),
      produced: output.length - stream.readUInt32LE(availOut),
      complete: this.#ended,
    }
  }

  close(): void {
    this.#zlib.inflateEnd(this.#stream)
  }
}

const gzipMagic = 0x1f
