import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parseNames, readAccountNames } from './accounts.ts'

const root = mkdtempSync(join(tmpdir(), 'libpod-ts-accounts-'))
afterAll(() => rmSync(root, { recursive: true }))

test('a root without the files, or with a fifo or a device there, only has numbers', () => {
  expect(readAccountNames(root).user(0)).toBe('0')
  mkdirSync(join(root, 'etc'))
  execFileSync('mkfifo', [join(root, 'etc/passwd')])
  execFileSync('mknod', [join(root, 'etc/group'), 'c', '1', '5'])
  expect(readAccountNames(root).user(0)).toBe('0')
  expect(readAccountNames(root).group(7)).toBe('7')
})

test('the first name of a number counts; odd lines do not', () => {
  const names = parseNames('root:x:0:0\ntoor:x:0:0\n#x:x:5:\nbad\n:x:6:\nn:x:-1:\nweb:x:33:33\n')
  expect([...names]).toEqual([
    [0, 'root'],
    [33, 'web'],
  ])
})

test('names of a root', () => {
  rmSync(join(root, 'etc'), { recursive: true })
  mkdirSync(join(root, 'etc'))
  writeFileSync(join(root, 'etc/passwd'), 'app:x:1000:1000::/:/bin/sh\n')
  expect(readAccountNames(root).user(1000)).toBe('app')
})
