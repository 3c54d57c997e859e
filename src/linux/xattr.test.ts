import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { getXattr, listXattrs, removeXattr, setXattr } from './xattr.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-xattr-'))
afterAll(() => rmSync(directory, { recursive: true }))

const binary = Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0x80, 0x41])

test('bytes go in and come out as they are', () => {
  const file = join(directory, 'file')
  writeFileSync(file, '')
  setXattr(file, 'trusted.binary', binary)
  setXattr(file, 'trusted.empty', Buffer.alloc(0))
  setXattr(file, 'trusted.long', Buffer.alloc(3000, 7))
  expect(listXattrs(file).sort()).toEqual(['trusted.binary', 'trusted.empty', 'trusted.long'])
  expect(getXattr(file, 'trusted.binary')).toEqual(binary)
  expect(getXattr(file, 'trusted.empty')).toEqual(Buffer.alloc(0))
  expect(getXattr(file, 'trusted.long')).toEqual(Buffer.alloc(3000, 7))
  const shown = execFileSync('getfattr', ['-n', 'trusted.binary', '-e', 'hex', '--only-values', file])
  expect(shown).toEqual(binary)
  removeXattr(file, 'trusted.binary')
  removeXattr(file, 'trusted.binary')
  expect(getXattr(file, 'trusted.binary')).toBeUndefined()
})

test('a link has its own, and a path need not be UTF-8', () => {
  const [target, link] = [join(directory, 'target'), Buffer.concat([Buffer.from(`${directory}/link`), Buffer.from([0xff])])]
  writeFileSync(target, '')
  symlinkSync(target, link)
  setXattr(link, 'trusted.mine', binary)
  expect(listXattrs(link)).toEqual(['trusted.mine'])
  expect(listXattrs(target)).toEqual([])
})

test('more names than fit a small buffer', () => {
  const file = join(directory, 'many')
  writeFileSync(file, '')
  const names = Array.from({ length: 60 }, (_, index) => `trusted.${'n'.repeat(20)}${index}`)
  for (const name of names) setXattr(file, name, binary)
  expect(listXattrs(file).sort()).toEqual(names.sort())
})

test('where there are none there are none; where there is no file that is said', () => {
  expect(listXattrs('/proc/self/status')).toEqual([])
  expect(getXattr('/proc/self/status', 'user.none')).toBeUndefined()
  expect(() => listXattrs(join(directory, 'missing'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
})
