import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readWithin, whyUnreadable } from './read-within.ts'

let folder = ''
let fifo = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'libpod-ts-within-'))
  fifo = join(folder, 'fifo')
  execFileSync('mkfifo', [fifo])
})
afterAll(() => rmSync(folder, { recursive: true }))

const reason = async (path: string, maxBytes = 1000): Promise<string> =>
  readWithin(path, maxBytes).then(
    (data) => `read ${data.length} bytes`,
    (error: unknown) => whyUnreadable(error),
  )

test('reads a file up to its last byte, and no larger one', async () => {
  const path = join(folder, 'file')
  const data = Buffer.alloc(200_000, 'abc')
  writeFileSync(path, data)
  expect((await readWithin(path, 200_000)).equals(data)).toBe(true)
  expect(await reason(path, 199_999)).toBe('it is too large')
  writeFileSync(path, '')
  expect(await reason(path)).toBe('read 0 bytes')
})

test('reads what has no size', async () => {
  expect((await readWithin('/proc/self/status', 100_000)).toString()).toMatch(/^Name:/)
  expect(await reason('/dev/null')).toBe('read 0 bytes')
  expect(await reason('/dev/zero')).toBe('it is too large')
})

test('does not wait for a fifo without a writer, or with one that has nothing to say', async () => {
  expect(await reason(fifo)).toMatch(/nothing to read/)
  const writer = openSync(fifo, constants.O_RDWR)
  try {
    expect(await reason(fifo)).toMatch(/nothing to read/)
  } finally {
    closeSync(writer)
  }
})

test('reads a pipe that was written to its end', async () => {
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const writer = openSync(fifo, constants.O_WRONLY)
    writeSync(writer, 'all')
    closeSync(writer)
    expect((await readWithin(`/proc/self/fd/${reader}`, 1000)).toString()).toBe('all')
  } finally {
    closeSync(reader)
  }
})

test('refuses a folder, a socket and what is not there', async () => {
  const socket = join(folder, 'socket')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  try {
    expect(await reason(socket)).toMatch(/socket/)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
  expect(await reason(folder)).toBe('it is a folder')
  expect(await reason(join(folder, 'none'))).toBe('ENOENT')
})
