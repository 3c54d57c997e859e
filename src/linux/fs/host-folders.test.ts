import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { hostFolder } from './host-folders.ts'

const place = mkdtempSync(join(tmpdir(), 'libpod-ts-host-'))
afterAll(() => rmSync(place, { recursive: true }))

const of = (path: string, passwd?: string): string | undefined => hostFolder(statSync(path, { bigint: true }), passwd)

test.each([
  '/',
  '/bin',
  '/dev',
  '/etc',
  '/etc/passwd',
  '/lib',
  '/proc',
  '/root',
  '/run',
  '/sbin',
  '/sys',
  '/tmp',
  '/usr',
  '/var',
  '/var/log',
])('the host needs %s', (path) => expect(of(path, '')).toBe(path))

test('by whatever name it is called', () => {
  symlinkSync('/etc', join(place, 'link'))
  symlinkSync('link', join(place, 'chained'))
  expect(of(join(place, 'chained'), '')).toBe('/etc')
  expect(of('/proc/self/root', '')).toBe('/')
  expect(of(`${place}/../../var/../usr/.`, '')).toBe('/usr')
})

test('users need their homes, also where a link leads to them', () => {
  for (const name of ['ann', 'far', 'ann/below', 'other']) mkdirSync(join(place, name))
  symlinkSync(join(place, 'far'), join(place, 'bob'))
  const passwd = [
    '# a comment',
    'short:x:1',
    `ann:x:1000:1000:Ann:${place}/ann:/bin/sh`,
    `bob:x:1001:1001::${place}/bob:/bin/sh`,
    'nobody:x:65534:65534::/nonexistent:/bin/false',
    'odd:x:5000:5000::relative:/bin/sh',
    `game:x:1002:1002::${place}/other:/usr/sbin/nologin`,
    `www:x:33:33::${place}/other:/bin/false`,
    '',
  ].join('\n')
  expect(of(join(place, 'ann'), passwd)).toBe(join(place, 'ann'))
  expect(of(join(place, 'far'), passwd)).toBe(join(place, 'bob'))
  for (const name of ['ann/below', 'other', '.']) expect(of(join(place, name), passwd), name).toBeUndefined()
  expect(of(join(place, 'ann'), '')).toBeUndefined()
})

test('what lies below is nobody’s', () => {
  expect(of(place)).toBeUndefined()
  expect(of('/usr/share', '')).toBeUndefined()
})
