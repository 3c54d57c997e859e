import { expect, test } from 'vitest'
import { mountAt, mountHolding, mountsBelow, parseMountInfo, readMounts, readMountsSync } from './mount-info.ts'

const sample = [
  '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue',
  '37 36 0:5 / /a\\040b\\011c\\134d rw - tmpfs with\\040space rw,size=1k',
  '38 36 0:6 / /a\\040b\\011c\\134d ro - tmpfs again ro',
  '39 38 0:7 / /a\\040b\\011c\\134d/sub rw shared:9 - proc proc rw',
  'nonsense',
  '',
].join('\n')

test('reads every field, and any number of propagation fields', () => {
  const [first, second, , last, ...rest] = parseMountInfo(sample)
  expect(rest).toEqual([])
  expect(first).toEqual({
    id: 36,
    parentId: 35,
    device: '98:0',
    root: '/mnt1',
    mountPoint: '/mnt2',
    options: ['rw', 'noatime'],
    propagation: ['master:1', 'propagate_from:2'],
    type: 'ext3',
    source: '/dev/root',
    superOptions: ['rw', 'errors=continue'],
  })
  expect(second).toMatchObject({ mountPoint: '/a b\tc\\d', source: 'with space', propagation: [] })
  expect(last).toMatchObject({ type: 'proc', propagation: ['shared:9'] })
})

test('finds the topmost mount at a path, and those below it', () => {
  const mounts = parseMountInfo(sample)
  expect(mountAt(mounts, '/a b\tc\\d')?.source).toBe('again')
  expect(mountAt(mounts, '/nowhere')).toBeUndefined()
  expect(mountsBelow(mounts, '/a b\tc\\d').map(({ type }) => type)).toEqual(['proc'])
  expect(mountsBelow(mounts, '/').length).toBe(4)
  expect(mountsBelow(mounts, '/mnt')).toEqual([])
})

test('finds the mount that a path lies on', () => {
  const mounts = parseMountInfo(sample)
  expect(mountHolding(mounts, '/a b\tc\\d/sub/x')?.type).toBe('proc')
  expect(mountHolding(mounts, '/a b\tc\\d/subs')?.source).toBe('again')
  expect(mountHolding(mounts, '/mnt2')?.type).toBe('ext3')
  expect(mountHolding(mounts, '/mnt')).toBeUndefined()
})

test('reads those of this process and of others', async () => {
  const own = await readMounts()
  expect(mountAt(own, '/proc')?.type).toBe('proc')
  expect(mountAt(readMountsSync(process.pid), '/proc')).toEqual(mountAt(own, '/proc'))
})
