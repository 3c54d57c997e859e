import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { AsyncQueue } from '../../base/async-queue.ts'
import { digestOf } from '../../base/digest.ts'
import { ExtractionGround } from '../test-support/extraction-ground.ts'
import { makeTar } from '../test-support/make-tar.ts'

const ground = new ExtractionGround()
afterAll(() => ground.close())

describe('a growing file', () => {
  it('is extracted while it grows', async () => {
    const tree = makeTar(Array.from({ length: 50 }, (_, index) => ({ name: `file-${index}`, content: Buffer.alloc(20_000, index + 1) })))
    for (const data of [tree, gzipSync(tree), execFileSync('zstd', ['-c'], { input: tree })]) {
      const [path, target, growing] = [ground.blob(Buffer.alloc(0)), ground.fresh(), new AsyncQueue<number>()]
      const extracting = ground.extract(tree, target, { path, growing })
      let written = 0
      for (const part of [1, 3, 4, 1000, 0, 1 << 20].flatMap((size) => [size, size])) {
        await appendFile(path, data.subarray(written, written + part))
        written = Math.min(data.length, written + part)
        growing.push(written)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      growing.end()
      expect(await extracting).toMatchObject({ diffId: digestOf(tree), sizeBytes: 1_000_000 })
      expect(readdirSync(target)).toHaveLength(50)
    }
  })

  it('that is damaged is given up at once, not when it is complete', async () => {
    for (const data of [makeTar([{ name: '../x' }]), gzipSync(makeTar([{ name: '../x' }])), gzipSync(Buffer.alloc(2000, 'x'))]) {
      const growing = new AsyncQueue<number>()
      growing.push(data.length)
      await expect(ground.extract(data, ground.fresh(), { growing })).rejects.toMatchObject({ code: 'corrupt' })
    }
  })

  it('that has less than was told is corrupt', async () => {
    const growing = new AsyncQueue<number>()
    growing.push(10_000_000)
    await expect(ground.extract(makeTar([{ name: 'x' }]), ground.fresh(), { growing })).rejects.toMatchObject({ code: 'corrupt' })
  })
})

describe('an abort', () => {
  it('ends the wait for more bytes, and the helper lives on', async () => {
    await ground.helper.call('storage.usage', { path: ground.directory })
    const { pid } = ground.helper
    for (const data of [Buffer.alloc(0), gzipSync(makeTar([{ name: 'x', content: Buffer.alloc(100_000) }])).subarray(0, 200)]) {
      const [growing, abort, reason] = [new AsyncQueue<number>(), new AbortController(), new Error('enough')]
      growing.push(data.length)
      const extracting = ground.extract(data, ground.fresh(), { growing }, { signal: abort.signal })
      setTimeout(() => abort.abort(reason), 50)
      await expect(extracting).rejects.toBe(reason)
    }
    expect(ground.helper.pid).toBe(pid)
  })

  it('ends a bomb between two bursts', async () => {
    const { pid } = ground.helper
    const head = makeTar([{ name: 'zeros', pax: { size: String(64 * 2 ** 30) } }]).subarray(0, 1536)
    const zeros = gzipSync(Buffer.alloc(1 << 24))
    const bomb = Buffer.concat([gzipSync(head), ...Array.from({ length: 4096 }, () => zeros)])
    expect(bomb.length).toBeLessThan(80_000_000)
    const [abort, reason, target] = [new AbortController(), new Error('enough'), ground.fresh()]
    const extracting = ground.extract(bomb, target, {}, { signal: abort.signal })
    setTimeout(() => abort.abort(reason), 150)
    await expect(extracting).rejects.toBe(reason)
    expect(ground.helper.pid).toBe(pid)
    rmSync(target, { recursive: true })
  })

  it('before it begins does nothing', async () => {
    const target = ground.fresh()
    const reason = new Error('no')
    await expect(ground.extract(makeTar([{ name: 'x' }]), target, {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(readdirSync(target)).toEqual([])
  })
})
