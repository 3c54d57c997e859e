import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createGunzip, gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decodeByStream } from './decode-by-stream.ts'
import { decompress } from './decompress.ts'
import { gunzip } from './gunzip.ts'
import { decodeWithFzstd, unzstd } from './unzstd.ts'

/** Text that does not compress to nothing, larger than any buffer on the way. */
const text = Buffer.from(
  Array.from({ length: 60_000 }, (_, line) => `line ${line} ${createHash('md5').update(String(line)).digest('hex')}\n`).join(''),
)
const zstd = (data: Buffer, ...args: readonly string[]): Buffer =>
  execFileSync('zstd', ['-c', ...args], { input: data, maxBuffer: 1 << 28 })

/** As from a disk: later, and in two buffers in turn. */
async function* piecesOf(data: Buffer, size: number): AsyncGenerator<Buffer, void> {
  const length = Math.min(size, data.length)
  let [free, used] = [Buffer.alloc(length), Buffer.alloc(length)]
  for (let at = 0; at < data.length; at += size) {
    await new Promise((resolve) => setImmediate(resolve))
    const piece = free.subarray(0, data.copy(free, 0, at, at + size))
    free = used
    used = piece.length === length ? piece : Buffer.alloc(length)
    yield piece
  }
}

async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(Buffer.from(piece))
  return Buffer.concat(all)
}

const skippable = Buffer.concat([Buffer.from('502a4d1805000000', 'hex'), Buffer.from('12345')])

const decoders = [
  { name: 'gzip by the zlib of Node', decode: gunzip, compress: gzipSync, between: Buffer.alloc(0) },
  {
    name: 'gzip by a stream',
    decode: (chunks: AsyncIterable<Buffer>) => decodeByStream(chunks, createGunzip()),
    compress: gzipSync,
    between: Buffer.alloc(0),
  },
  { name: 'zstd by the library', decode: unzstd, compress: (data: Buffer) => zstd(data), between: skippable },
  { name: 'zstd in JavaScript', decode: decodeWithFzstd, compress: (data: Buffer) => zstd(data), between: skippable },
]

describe.each(decoders)('$name', ({ decode, compress, between }) => {
  const compressed = compress(text)

  it.each([1 << 30, 65_536, 1000])('decompresses pieces of %i bytes', async (size) => {
    expect((await collect(decode(piecesOf(compressed, size)))).equals(text)).toBe(true)
  })

  it('takes several one after the other for one', async () => {
    const parts = ['a', '', 'b'.repeat(100_000), 'c'].map((part) => compress(Buffer.from(part)))
    const all = Buffer.concat(parts.flatMap((part) => [between, part]))
    for (const size of [1 << 30, 1, 7]) expect((await collect(decode(piecesOf(all, size)))).toString()).toBe(`a${'b'.repeat(100_000)}c`)
  })

  it('says when something is missing', async () => {
    for (let missing = 1; missing < compressed.length; missing += Math.ceil(compressed.length / 40))
      await expect(collect(decode(piecesOf(compressed.subarray(0, -missing), 65_536)))).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('says when something is damaged', async () => {
    const damaged = Buffer.from(compressed)
    damaged.fill(0xa5, 5000, 5600)
    await expect(collect(decode(piecesOf(damaged, 65_536)))).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('passes on the failure of what it reads, and lets go of it', async () => {
    const reason = new Error('the disk')
    let released = false
    async function* failing(): AsyncGenerator<Buffer, void> {
      try {
        yield compressed.subarray(0, 100_000)
        throw reason
      } finally {
        released = true
      }
    }
    await expect(collect(decode(failing()))).rejects.toBe(reason)
    expect(released).toBe(true)
  })

  it('can be left in the middle', async () => {
    for await (const piece of decode(piecesOf(compressed, 65_536))) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
  })
})

describe('the beginning', () => {
  it('tells how bytes are compressed', async () => {
    const short = text.subarray(0, 5000)
    for (const data of [short, gzipSync(short), zstd(short)])
      for (const size of [1, 3, 1 << 20]) expect((await collect(decompress(piecesOf(data, size)))).equals(short)).toBe(true)
    expect(await collect(decompress(piecesOf(Buffer.from('abc'), 1)))).toEqual(Buffer.from('abc'))
    expect(await collect(decompress(piecesOf(Buffer.alloc(0), 1)))).toEqual(Buffer.alloc(0))
  })

  it('tells what cannot be undone here', async () => {
    const xz = Buffer.from('fd377a585a000000', 'hex')
    await expect(collect(decompress(piecesOf(xz, 1)))).rejects.toMatchObject({ code: 'unsupported', details: { what: 'xz compression' } })
  })
})

it('gzip may be padded with zeros', async () => {
  const padded = Buffer.concat([gzipSync(text), Buffer.alloc(5000)])
  for (const size of [1 << 30, 1000]) expect((await collect(gunzip(piecesOf(padded, size)))).equals(text)).toBe(true)
})
