import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { makeFolder } from './make-folder.ts'

const top = mkdtempSync(join(tmpdir(), 'libpod-ts-make-'))
afterAll(() => rmSync(top, { recursive: true, force: true }))

test('makes a folder and those above it, also for several at once', async () => {
  for (let round = 0; round < 20; round++) {
    const folder = join(top, String(round), 'a', 'b', 'c')
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(folder, 0o700)))
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  }
})

test('comes to an end where none can be made', async () => {
  writeFileSync(join(top, 'file'), '')
  symlinkSync('/nowhere/at/all', join(top, 'dangling'))
  await expect(makeFolder(join(top, 'file'), 0o700)).rejects.toMatchObject({ code: 'EEXIST' })
  await expect(makeFolder(join(top, 'file', 'x'), 0o700)).rejects.toMatchObject({ code: 'ENOTDIR' })
  await expect(makeFolder(join(top, 'dangling', 'x'), 0o700)).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(makeFolder('/proc/libpod-ts/x', 0o700)).rejects.toMatchObject({ code: 'ENOENT' })
})
