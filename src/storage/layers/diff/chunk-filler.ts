import { readSync } from 'node:fs'

/** So much is handed on at a time. */
const chunkBytes = 1 << 18

/** Puts small pieces together to chunks, and reads files straight into them. Each chunk is a buffer of its own. */
export class ChunkFiller {
  #chunk = Buffer.allocUnsafe(chunkBytes)
  #filled = 0

  /** What does not fill a chunk. */
  rest(): Buffer {
    const rest = this.#chunk.subarray(0, this.#filled)
    this.#filled = 0
    this.#chunk = Buffer.alloc(0)
    return rest
  }

  *bytes(data: Buffer): Generator<Buffer, void> {
    for (let at = 0; at < data.length; ) {
      const copied = data.copy(this.#chunk, this.#filled, at)
      at += copied
      yield* this.#advance(copied)
    }
  }

  *zeros(count: number): Generator<Buffer, void> {
    for (let left = count; left > 0; ) {
      const length = Math.min(left, chunkBytes - this.#filled)
      this.#chunk.fill(0, this.#filled, this.#filled + length)
      left -= length
      yield* this.#advance(length)
    }
  }

  /** A part of a file; gives how much of it was there. */
  *file(fd: number, offset: number, length: number): Generator<Buffer, number> {
    let done = 0
    while (done < length) {
      const wanted = Math.min(length - done, chunkBytes - this.#filled)
      const count = readSync(fd, this.#chunk, this.#filled, wanted, offset + done)
      if (count === 0) break
      done += count
      yield* this.#advance(count)
    }
    return done
  }

  *#advance(count: number): Generator<Buffer, void> {
    this.#filled += count
    if (this.#filled < chunkBytes) return
    const full = this.#chunk
    this.#chunk = Buffer.allocUnsafe(chunkBytes)
    this.#filled = 0
    yield full
  }
}
