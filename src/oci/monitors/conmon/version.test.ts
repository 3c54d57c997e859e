import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { conmonVersion } from './version.ts'

const env = { PATH: '/usr/bin:/bin' }
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'libpod-ts-conmon-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function program(text: string): Promise<string> {
  const path = join(folder, 'conmon')
  await writeFile(path, text, { mode: 0o755 })
  return path
}

test('is what conmon says, if it says one', async () => {
  expect(await conmonVersion(await program('#!/bin/sh\necho "conmon version 2.1.10"'), env)).toBe('2.1.10')
  expect(await conmonVersion(await program('#!/bin/sh\necho hello'), env)).toBe('unknown')
})

test('is refused where there is no program', async () => {
  for (const path of [await program('neither a script nor a program\n'), folder, join(folder, 'none')]) {
    await expect(conmonVersion(path, env)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('monitor.conmonPath'),
    })
  }
})

test('is not waited for where it does not come', async () => {
  const path = await program('#!/bin/sh\nsleep 600')
  await expect(conmonVersion(path, env, 100)).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(path) })
})
