import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { digestOf } from '../../base/digest.ts'
import { compressLayer } from './compress.ts'
import { type ZstdOptions, zstd } from './zstd.ts'

/** Some MiB that compress a little, the same each time. */
const data = Buffer.alloc(3_000_000)
for (let at = 0, state = 1; at < data.length; at++) {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
  data[at] = 0x61 + (state >>> 28)
}

async function* pieces(size = 100_000): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size)
}

async function collect(bytes: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const unzstd = (bytes: Buffer): Buffer => execFileSync('zstd', ['-d', '-c', '-q'], { input: bytes, maxBuffer: 1 << 24 })

test.each([
  ['none', (bytes: Buffer) => bytes],
  ['gzip', gunzipSync],
  ['zstd', unzstd],
] as const)('%s, summed up before and after', async (compression, undo) => {
  const layer = compressLayer(pieces(), { compression })
  expect(() => layer.sums()).toThrow(expect.objectContaining({ code: 'internal' }))
  const bytes = await collect(layer.bytes)
  expect(undo(bytes).equals(data)).toBe(true)
  expect(layer.sums()).toEqual({
    digest: digestOf(bytes),
    sizeBytes: bytes.length,
    diffId: digestOf(data),
    uncompressedBytes: data.length,
  })
  const again = compressLayer([data.subarray(0, 5), Buffer.alloc(0), data.subarray(5)], { compression })
  expect((await collect(again.bytes)).equals(bytes)).toBe(true)
})

test('gzip holds no time and no name', async () => {
  const bytes = await collect(compressLayer(pieces(), { compression: 'gzip', level: 1 }).bytes)
  // Flags, then four bytes of time.
  expect([...bytes.subarray(3, 8)]).toEqual([0, 0, 0, 0, 0])
  const best = await collect(compressLayer(pieces(), { compression: 'gzip', level: 9 }).bytes)
  expect(best.length).toBeLessThan(bytes.length)
})

test.each(['library', 'program'] as const)('zstd by the %s, with a checksum', async (way) => {
  const ways: ZstdOptions['ways'] = [way]
  const bytes = await collect(zstd(pieces(), { level: 3, ways }))
  await closed()
  const before = descriptors()
  expect(unzstd(bytes).equals(data)).toBe(true)
  // The frame's descriptor: bit 2 says that there is a checksum.
  expect((bytes[4] ?? 0) & 4).toBe(4)
  expect(unzstd(await collect(zstd(empty(), { level: 1, ways }))).length).toBe(0)
  const small = await collect(zstd(pieces(7777), { level: 9, ways }))
  expect(unzstd(small).equals(data)).toBe(true)
  await closed()
  expect(descriptors()).toBe(before)
})

test.each([{ compression: 'gzip' }, { compression: 'zstd' }] as const)(
  '$compression ends with its reader and with its source',
  async (options) => {
    await endsWell((source) => compressLayer(source, options).bytes)
  },
)

test.each(['library', 'program'] as const)('zstd by the %s ends with its reader and with its source', async (way) => {
  const before = descriptors()
  await endsWell((source) => zstd(source, { level: 1, ways: [way] }))
  await closed()
  expect(descriptors()).toBe(before)
})

/** A reader that goes away lets go of the source; what the source throws arrives. */
async function endsWell(compress: (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>): Promise<void> {
  let released = false
  async function* endless(): AsyncGenerator<Buffer, void> {
    try {
      for (;;) yield data
    } finally {
      released = true
    }
  }
  for await (const chunk of compress(endless())) {
    expect(chunk.length).toBeGreaterThan(0)
    break
  }
  expect(released).toBe(true)
  const reason = new Error('no more')
  async function* failing(): AsyncGenerator<Buffer, void> {
    yield* pieces()
    throw reason
  }
  await expect(collect(compress(failing()))).rejects.toBe(reason)
}

async function* empty(): AsyncGenerator<Buffer, void> {}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** Streams close their descriptors a turn later. */
async function closed(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

test('what cannot be is refused', async () => {
  for (const [compression, level] of [
    ['gzip', 10],
    ['gzip', 1.5],
    ['zstd', 0],
    ['zstd', 20],
  ] as const)
    expect(() => compressLayer(pieces(), { compression, level })).toThrow(
      expect.objectContaining({ code: 'invalid-argument', details: { path: 'level', value: level } }),
    )
  await expect(collect(zstd(pieces(), { level: 3, ways: [] }))).rejects.toMatchObject({
    code: 'unavailable',
    details: { what: 'zstd', install: 'apt-get install libzstd1' },
  })
})
