import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeFileAtomic, writeFileAtomicSync } from './atomic-write.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'libpod-ts-atomic-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const forms = [
  { name: 'asynchronous', write: writeFileAtomic },
  { name: 'synchronous', write: async (...args: Parameters<typeof writeFileAtomicSync>) => writeFileAtomicSync(...args) },
]

for (const { name, write } of forms) {
  test(`${name}: writes, replaces, sets the mode, leaves nothing else`, async () => {
    const path = join(directory, 'file')
    await write(path, 'one')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await write(path, Buffer.from([0xff, 0]), { mode: 0o666, durable: true })
    expect(readFileSync(path)).toEqual(Buffer.from([0xff, 0]))
    expect(statSync(path).mode & 0o777).toBe(0o666)
    expect(readdirSync(directory)).toEqual(['file'])
  })

  test(`${name}: what fails leaves the old content, and nothing else`, async () => {
    await expect(write(join(directory, 'missing/file'), '')).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(write(directory, '')).rejects.toThrow()
    writeFileSync(join(directory, 'n'.repeat(255)), 'kept')
    await write(join(directory, 'n'.repeat(255)), 'new')
    expect(readdirSync(directory)).toEqual(['n'.repeat(255)])
  })
}

test('readers only ever see a whole file', async () => {
  const path = join(directory, 'file')
  await writeFileAtomic(path, 'a'.repeat(100_000))
  let writing = true
  const writer = (async () => {
    for (let round = 0; round < 50; round++) await writeFileAtomic(path, (round % 2 ? 'a' : 'b').repeat(100_000))
    writing = false
  })()
  while (writing) {
    const text = readFileSync(path, 'utf8')
    expect(text === 'a'.repeat(100_000) || text === 'b'.repeat(100_000)).toBe(true)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await writer
})
