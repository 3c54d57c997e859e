import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { k8sFileLogDriver } from './drivers/k8s-file.ts'
import { findTail } from './tail.ts'

const time = '2026-01-31T12:00:00.123456789+01:00'
let path: string

beforeAll(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'libpod-tail-')), 'log')
})
afterAll(() => rm(join(path, '..'), { recursive: true }))

async function tailOf(text: string, lines: number): Promise<{ stdout: number; stderr: number }> {
  await writeFile(path, text)
  const file = await open(path)
  try {
    return await findTail(file, lines, ['stdout', 'stderr'])
  } finally {
    await file.close()
  }
}

describe('findTail', () => {
  it('starts behind the last newline when nothing of a stream is among the last lines', async () => {
    const records = `${time} stderr F a\n${time} stdout F b\n`
    expect(await tailOf(`${records}${time} std`, 1)).toEqual({ stdout: records.indexOf(`${time} stdout`), stderr: records.length })
    expect(await tailOf(`${records}${time} std`, 0)).toEqual({ stdout: records.length, stderr: records.length })
    expect(await tailOf('', 3)).toEqual({ stdout: 0, stderr: 0 })
    expect(await tailOf('no newline', 3)).toEqual({ stdout: 0, stderr: 0 })
  })

  it('finds records that lie across the blocks it reads', async () => {
    const records = Array.from({ length: 3_000 }, (_, index) => `${time} stdout F ${'x'.repeat(index % 97)}${index}\n`)
    for (const wanted of [1, 7, 500, 1_500, 2_999, 3_000, 4_000]) {
      const { stdout } = await tailOf(records.join(''), wanted)
      expect(stdout).toBe(records.slice(0, Math.max(0, 3_000 - wanted)).join('').length)
    }
  })

  it('finds the beginning of a line of many blocks', async () => {
    const pieces = Array.from({ length: 40 }, (_, index) => `${time} stdout ${index === 39 ? 'F' : 'P'} ${'x'.repeat(8192)}\n`)
    const first = `${time} stdout F first\n`
    expect((await tailOf(first + pieces.join(''), 1)).stdout).toBe(first.length)
    expect((await tailOf(first + pieces.join(''), 2)).stdout).toBe(0)
  })
})

/** What this process has read so far, of files and of all else. */
async function bytesRead(): Promise<number> {
  return Number(/^rchar: (\d+)$/m.exec(await readFile('/proc/self/io', 'utf8'))?.[1])
}

describe('a log of 100 MB', () => {
  it('is streamed in little memory, and its end is found at once', { timeout: 60_000 }, async () => {
    const count = 800_000
    const block = Array.from(
      { length: 8_000 },
      (_, index) => `${time} ${index % 5 === 0 ? 'stderr' : 'stdout'} F ${String(index).padEnd(80, '.')}\n`,
    ).join('')
    const file = await open(path, 'w')
    for (let at = 0; at < count; at += 8_000) await file.write(block)
    await file.close()
    const driver = k8sFileLogDriver()
    const place = { id: 'x', path }
    const before = process.memoryUsage().rss
    let read = 0
    let peak = 0
    for await (const { partial } of driver.read(place, {})) {
      read += partial ? 0 : 1
      if (read % 50_000 === 0) peak = Math.max(peak, process.memoryUsage().rss)
    }
    expect(read).toBe(count)
    expect(peak - before).toBeLessThan(150 * 1024 * 1024)
    const readBefore = await bytesRead()
    const last: string[] = []
    for await (const { line } of driver.read(place, { tail: 2 })) last.push(line.replace(/\.+$/, ''))
    expect(last).toEqual(['7998', '7999'])
    expect((await bytesRead()) - readBefore).toBeLessThan(5_000_000)
    for await (const entry of driver.read(place, {})) {
      expect(entry.line).toContain('0..')
      break
    }
  })
})
