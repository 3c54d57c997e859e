/** Decompression by a native library, on a thread of the pool. One call at a time; none after {@link close}, and that only when none runs. */
export interface NativeDecoder {
  /** Decompresses from `input` into `output`, as far as one of them reaches. Throws when the bytes make no sense. */
  decode(input: Buffer, output: Buffer): Promise<DecodedPart>
  close(): void
}

/** What one call did. */
export interface DecodedPart {
  readonly consumed: number
  readonly produced: number
  /** The input so far ends with the end of what was compressed; what follows may be more of it. */
  readonly complete: boolean
}

/** What a native library says of bytes that it cannot decompress. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}
