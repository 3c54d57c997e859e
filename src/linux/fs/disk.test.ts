import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { isLibpodError } from '../../base/errors.ts'
import { libc } from '../native/libc.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { diskSpace, fsTypeName, mapFsError } from './disk.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-disk-'))
libc().mount('tmpfs', directory, 'tmpfs', 0, 'size=65536')
afterAll(() => {
  libc().umount2(directory, 0)
  rmSync(directory, { recursive: true })
})

test('a full disk is no-space, a read-only one permission-denied', async () => {
  expect(await diskSpace(directory)).toMatchObject({ fsType: 'tmpfs', totalBytes: 65536, freeBytes: 65536 })
  writeFileSync(join(directory, 'fits'), Buffer.alloc(40_000))
  await expect(writeFileAtomic(join(directory, 'file'), Buffer.alloc(40_000))).rejects.toMatchObject({
    code: 'no-space',
    details: { path: join(directory, 'file') },
  })
  libc().mount('none', directory, null, 0x20 | 0x1, null)
  await expect(writeFileAtomic(join(directory, 'file'), '')).rejects.toMatchObject({ code: 'permission-denied' })
})

test('types are named as the kernel names them', async () => {
  for (const path of ['/', '/proc', '/sys']) {
    const named = execFileSync('stat', ['-f', '-c', '%T', path])
      .toString()
      .trim()
      .replace('ext2/ext3', 'ext4')
      .replace('overlayfs', 'overlay')
    expect((await diskSpace(path)).fsType).toBe(named.replace('sysfs', 'sysfs'))
  }
  expect(fsTypeName(0x12345)).toBe('0x12345')
  expect(fsTypeName(-0x6edc97c2)).toBe('btrfs')
})

test('what has no way out stays what it is', () => {
  const error = Object.assign(new Error('x'), { code: 'EIO' })
  expect(mapFsError(error, '/x')).toBe(error)
  const mapped = mapFsError(Object.assign(new Error('x'), { code: 'EDQUOT' }), '/x')
  expect(isLibpodError(mapped, 'no-space')).toBe(true)
  expect(mapFsError(mapped, '/y')).toBe(mapped)
})
