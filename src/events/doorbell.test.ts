import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDoorbell } from './doorbell.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-doorbell-'))
})

afterEach(() => rm(directory, { recursive: true, force: true }))

it('wakes every engine, the ringing one too, and never grows', async () => {
  const path = join(directory, 'doorbell')
  const [one, two] = [openDoorbell(path), openDoorbell(path)]
  const heard = { one: 0, two: 0 }
  one.onRing(() => heard.one++)
  const stop = two.onRing(() => heard.two++)
  for (let round = 1; round <= 100; round++) {
    one.ring()
    await expect.poll(() => heard.one >= round && heard.two >= round, { interval: 1 }).toBe(true)
  }
  expect((await stat(path)).size).toBe(1)
  stop()
  const before = heard.two
  one.ring()
  await expect.poll(() => heard.one, { interval: 1 }).toBeGreaterThan(100)
  expect(heard.two).toBe(before)
  one.close()
  one.close()
  one.ring()
  two.close()
})

it('is heard from another process', async () => {
  const path = join(directory, 'doorbell')
  const bell = openDoorbell(path)
  const rung = new Promise<void>((resolve) => void bell.onRing(resolve))
  const child = spawn('/bin/sh', ['-c', `printf . >> '${path}'`], { stdio: 'inherit' })
  await Promise.all([rung, once(child, 'exit')])
  bell.close()
})
