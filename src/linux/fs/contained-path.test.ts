import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openInside, readFileInside, resolveInside } from './contained-path.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-contained-'))
const root = join(directory, 'root')

beforeAll(() => {
  mkdirSync(join(root, 'etc'), { recursive: true })
  mkdirSync(join(root, 'a/b'), { recursive: true })
  writeFileSync(join(directory, 'secret'), 'secret')
  writeFileSync(join(root, 'secret'), 'inside')
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0')
  const links: Record<string, string> = {
    up: '../../../../../../secret',
    absolute: '/secret',
    host: `${directory}/secret`,
    chain: 'a/link',
    'a/link': '../up',
    'a/dots': '..',
    'a/root': '/',
    loop: 'loop2',
    loop2: 'loop',
    dangling: 'a/../nowhere/x',
    magic: '/proc/self/root/etc/passwd',
    'a/b/far': '../../../../etc/passwd',
  }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name))
  execFileSync('mkfifo', [join(root, 'fifo')])
  execFileSync('mknod', [join(root, 'zero'), 'c', '1', '5'])
})

afterAll(() => rmSync(directory, { recursive: true }))

const inside: readonly (readonly [path: string, resolved: string, content: string | undefined])[] = [
  ['etc/passwd', 'etc/passwd', 'root:x:0:0'],
  ['/etc//./passwd', 'etc/passwd', 'root:x:0:0'],
  ['../../../secret', 'secret', 'inside'],
  ['up', 'secret', 'inside'],
  ['absolute', 'secret', 'inside'],
  ['chain', 'secret', 'inside'],
  ['a/dots/secret', 'secret', 'inside'],
  ['a/root/a/root/secret', 'secret', 'inside'],
  ['a/b/far', 'etc/passwd', 'root:x:0:0'],
  ['host', `${directory.slice(1)}/secret`, undefined],
  ['dangling', 'nowhere/x', undefined],
  ['missing/deep', 'missing/deep', undefined],
  ['magic', 'proc/self/root/etc/passwd', undefined],
  ['etc/passwd/below', 'etc/passwd/below', undefined],
]

for (const [path, resolved, content] of inside)
  test(`${path} stays inside`, () => {
    expect(resolveInside(root, path)).toBe(join(root, resolved))
    expect(readFileInside(root, path)?.toString()).toBe(content)
  })

test('links that point at each other end', () => {
  for (const open of [resolveInside, openInside])
    expect(() => open(root, 'loop')).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
})

test('fifos and devices are not opened, directories are', () => {
  for (const name of ['fifo', 'zero']) {
    expect(() => openInside(root, name)).toThrow(expect.objectContaining({ code: 'unsupported' }))
    expect(readFileInside(root, name)).toBeUndefined()
  }
  const fd = openInside(root, 'a/root/a', { flags: constants.O_RDONLY | constants.O_DIRECTORY })
  expect(readdirSync(`/proc/self/fd/${fd}`)).toContain('dots')
  closeSync(fd)
  const whole = openInside(root, '..')
  expect(readdirSync(`/proc/self/fd/${whole}`)).toContain('etc')
  closeSync(whole)
})

test('writes inside, through links too, and makes only the last component', () => {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC
  for (const content of ['long first content', 'second']) {
    const fd = openInside(root, 'a/root/a/new', { flags, mode: 0o640 })
    writeSync(fd, content)
    closeSync(fd)
    expect(readFileSync(join(root, 'a/new'), 'utf8')).toBe(content)
  }
  expect(() => openInside(root, 'nowhere/new', { flags })).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  expect(() => openInside(root, 'fifo', { flags })).toThrow()
})

test('a file that is too large is refused, and no descriptor is left open by anything', () => {
  expect(() => readFileInside(root, 'etc/passwd', 5)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  const before = readdirSync('/proc/self/fd').length
  for (const [path] of inside) readFileInside(root, path)
  expect(() => openInside(root, 'loop')).toThrow()
  expect(() => openInside(root, 'fifo')).toThrow()
  expect(readdirSync('/proc/self/fd').length).toBe(before)
})

test('somebody who swaps a directory for a link again and again never gets us out', async () => {
  const script = `
import os,sys
os.chdir(sys.argv[1])
os.mkdir("real"); open("real/secret","w").write("inside")
os.symlink(sys.argv[2], "evil")
print("ready", flush=True)
while True:
  os.rename("real","x"); os.rename("evil","real"); os.rename("real","evil"); os.rename("x","real")`
  const swapper = spawn('python3', ['-c', script, root, directory])
  try {
    await once(swapper.stdout, 'data')
    const seen = new Set<string | undefined>()
    for (let round = 0; round < 1000; round++)
      try {
        seen.add(readFileInside(root, 'real/secret')?.toString())
      } catch (error) {
        expect(error).toMatchObject({ code: 'conflict' })
      }
    expect(seen).toContain('inside')
    expect(seen).not.toContain('secret')
  } finally {
    swapper.kill('SIGKILL')
    await once(swapper, 'exit')
  }
})
