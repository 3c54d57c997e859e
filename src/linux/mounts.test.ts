import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mountAt, mountsBelow, readMountsSync } from './mount-info.ts'
import { mount, unmount } from './mounts.ts'

let directory: string

const at = (...names: string[]): string => join(directory, ...names)
const found = (path: string) => mountAt(readMountsSync(), path)

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'libpod-ts-mounts-'))
  for (const name of ['a', 'b', 'c']) mkdirSync(at(name))
})

afterEach(() => {
  for (const { mountPoint } of mountsBelow(readMountsSync(), directory).reverse()) unmount(mountPoint, { detach: true })
  rmSync(directory, { recursive: true })
})

test('a tmpfs with flags, data and propagation', () => {
  mount({ type: 'tmpfs', source: 'shm', target: at('a'), options: ['nosuid', 'noexec', 'nodev', 'size=65536k', 'mode=1777', 'shared'] })
  expect(found(at('a'))).toMatchObject({ type: 'tmpfs', source: 'shm', options: expect.arrayContaining(['nosuid', 'nodev', 'noexec']) })
  expect(found(at('a'))?.superOptions).toContain('size=65536k')
  expect(found(at('a'))?.propagation[0]).toMatch(/^shared:/)
  expect(statSync(at('a')).mode & 0o7777).toBe(0o1777)
  expect(unmount(at('a'))).toBe(true)
  expect(unmount(at('a'))).toBe(false)
  expect(unmount(at('missing'))).toBe(false)
})

test('a bind mount is read-only from the start, and keeps its source writable', () => {
  writeFileSync(at('a/file'), 'x')
  mount({ type: 'bind', source: at('a'), target: at('b'), options: ['rbind', 'ro', 'nodev', 'rprivate'] })
  expect(found(at('b'))?.options).toEqual(expect.arrayContaining(['ro', 'nodev']))
  expect(readFileSync(at('b/file'), 'utf8')).toBe('x')
  expect(() => writeFileSync(at('b/file'), '')).toThrow(/EROFS/)
  writeFileSync(at('a/file'), 'y')
})

test('a bind mount can be made read-only later', () => {
  mount({ type: 'bind', source: at('a'), target: at('b'), options: [] })
  mount({ type: 'none', source: 'none', target: at('b'), options: ['remount', 'bind', 'ro'] })
  expect(mountsBelow(readMountsSync(), directory)).toHaveLength(1)
  expect(found(at('b'))?.options).toContain('ro')
})

test('in a user namespace the restrictions of the source stay, and read-only comes on top', () => {
  mount({ type: 'tmpfs', source: 'locked', target: at('a'), options: ['nosuid', 'nodev', 'noexec', 'noatime'] })
  const script = `
    import { mount } from ${JSON.stringify(new URL('./mounts.ts', import.meta.url).href)}
    import { mountAt, readMountsSync } from ${JSON.stringify(new URL('./mount-info.ts', import.meta.url).href)}
    mount({ type: 'bind', source: ${JSON.stringify(at('a'))}, target: ${JSON.stringify(at('b'))}, options: ['ro'] })
    console.log(mountAt(readMountsSync(), ${JSON.stringify(at('b'))}).options.join())`
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script]
  const { stdout, stderr } = spawnSync('unshare', ['--user', '--map-root-user', '--mount', ...node], { encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(stdout.trim().split(',')).toEqual(expect.arrayContaining(['ro', 'nosuid', 'nodev', 'noexec', 'noatime']))
})

test('an upper directory that is in use is a conflict', () => {
  for (const name of ['lower', 'upper', 'work']) mkdirSync(at('a', name))
  const options = ['lowerdir=lower', 'upperdir=upper', 'workdir=work', 'index=on']
  mount({ type: 'overlay', source: 'overlay', target: at('b'), options, workdir: at('a') })
  expect(() => mount({ type: 'overlay', source: 'overlay', target: at('c'), options, workdir: at('a') })).toThrow(
    expect.objectContaining({ code: 'conflict' }),
  )
})

test('a file on a file', () => {
  writeFileSync(at('one'), '1')
  writeFileSync(at('two'), '2')
  mount({ type: 'none', source: at('one'), target: at('two'), options: ['bind', 'ro'] })
  expect(readFileSync(at('two'), 'utf8')).toBe('1')
})

test('an overlay with relative paths, and the working directory as before', () => {
  for (const name of ['lower', 'upper', 'work']) mkdirSync(at('a', name))
  writeFileSync(at('a/lower/file'), 'below')
  const before = process.cwd()
  mount({
    type: 'overlay',
    source: 'overlay',
    target: at('b'),
    options: ['lowerdir=lower', 'upperdir=upper', 'workdir=work'],
    workdir: at('a'),
  })
  expect(process.cwd()).toBe(before)
  expect(readdirSync(at('b'))).toEqual(['file'])
  writeFileSync(at('b/new'), '')
  expect(readdirSync(at('a/upper'))).toEqual(['new'])
})

test('options that do not fit the page are refused, never cut off', () => {
  const options = [`lowerdir=${Array.from({ length: 300 }, (_, index) => `/long/path/${index}`).join(':')}`]
  expect(() => mount({ type: 'overlay', source: 'overlay', target: at('a'), options })).toThrow(
    expect.objectContaining({ code: 'invalid-argument', details: { path: 'options' } }),
  )
})

test('failures say what to do', () => {
  const failing = (spec: Partial<Parameters<typeof mount>[0]>) => () =>
    mount({ type: 'tmpfs', source: 'x', target: at('a'), options: [], ...spec })
  expect(failing({ type: 'nofs' })).toThrow(expect.objectContaining({ code: 'unsupported' }))
  expect(failing({ target: at('missing') })).toThrow(expect.objectContaining({ code: 'not-found' }))
  expect(failing({ options: ['size=nonsense'] })).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
  expect(failing({ type: 'bind', source: at('missing') })).toThrow(expect.objectContaining({ code: 'not-found' }))
  expect(mountsBelow(readMountsSync(), directory)).toEqual([])
})

test('a mount in use is in-use, unless it is detached; a link is not followed', () => {
  mount({ type: 'tmpfs', source: 'x', target: at('a'), options: [] })
  mkdirSync(at('a/sub'))
  mount({ type: 'tmpfs', source: 'x', target: at('a/sub'), options: [] })
  symlinkSync(at('a'), at('link'))
  expect(() => unmount(at('a'))).toThrow(expect.objectContaining({ code: 'in-use' }))
  expect(unmount(at('link'), { detach: true, noFollow: true })).toBe(false)
  expect(found(at('a'))).toBeDefined()
  expect(unmount(at('a'), { detach: true })).toBe(true)
  expect(found(at('a'))).toBeUndefined()
})
