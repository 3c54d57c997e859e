import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../../base/digest.ts'
import type { ExtractTarget } from '../snapshotter.ts'
import { type DescribedTree, describeTree } from '../test-support/describe-tree.ts'
import { ExtractionGround } from '../test-support/extraction-ground.ts'
import { type MadeEntry, makeTar } from '../test-support/make-tar.ts'
import type { ExtractedLayer } from './extraction.ts'

const ground = new ExtractionGround()
// Beside the targets, so that some `..` would hit it, and at the same places as in them.
const outside = join(ground.directory, 'outside')
let untouched: DescribedTree = {}

beforeAll(() => {
  mkdirSync(join(outside, 'etc'), { recursive: true })
  for (const name of ['canary', 'etc/passwd', 'etc/canary']) writeFileSync(join(outside, name), 'untouched')
  untouched = describeTree(outside)
})
afterAll(() => ground.close())
afterEach(() => {
  expect(describeTree(outside)).toEqual(untouched)
  expect(readdirSync(ground.directory).filter((name) => !/^(outside|target|blob)/.test(name))).toEqual([])
})

const fresh = (): string => ground.fresh()
const extract = (archive: Buffer, path = fresh(), whiteouts: ExtractTarget['whiteouts'] = 'overlay'): Promise<ExtractedLayer> =>
  ground.extract(archive, path, { target: { path, whiteouts } })
const corrupt = (words = ''): object => expect.objectContaining({ code: 'corrupt', message: expect.stringContaining(words) as string })

describe.each(['overlay', 'apply'] as const)('with whiteouts for %s, is refused', (whiteouts) => {
  const refused: readonly (readonly [string, readonly MadeEntry[], string])[] = [
    ['a name that climbs out', [{ name: '../outside/canary', content: 'x' }], 'leads out'],
    ['one that does so on the way', [{ name: 'a/../../outside/canary', content: 'x' }], 'leads out'],
    ['one with a slash before', [{ name: '/../outside/canary', content: 'x' }], 'leads out'],
    ['the directory above', [{ name: '..', flag: '5', mode: 0o777 }], 'leads out'],
    ['a file in the place of the tree', [{ name: './', flag: '2', link: '/etc' }], 'stands for the whole tree'],
    ['a hard link that climbs out', [{ name: 'x', flag: '1', link: '../outside/canary' }], 'leads out'],
    ['a hard link to what is not there', [{ name: 'x', flag: '1', link: '/outside/canary' }], 'not there'],
    ['a hard link to the tree', [{ name: 'x', flag: '1', link: '.' }], 'directory'],
    [
      'a hard link to a directory',
      [
        { name: 'd', flag: '5' },
        { name: 'x', flag: '1', link: 'd' },
      ],
      '',
    ],
    ['a hard link to itself', [{ name: 'x', flag: '1', link: 'x' }], 'itself'],
    [
      'a hard link through a link that leads out',
      [
        { name: 'l', flag: '2', link: '../outside' },
        { name: 'x', flag: '1', link: 'l/canary' },
      ],
      'not there',
    ],
    ['a whiteout of nothing', [{ name: 'a/.wh.' }], 'whiteout of nothing'],
    ['a whiteout of the directory itself', [{ name: 'a/.wh..' }], 'whiteout of nothing'],
    ['a whiteout of the directory above', [{ name: '.wh...' }], 'whiteout of nothing'],
    ['a file in a whiteout', [{ name: '.wh.a/file' }], 'whiteout'],
    ['a file in a file', [{ name: 'a' }, { name: 'a/b' }], ''],
    [
      'a directory in a fifo',
      [
        { name: 'a', flag: '6' },
        { name: 'a/b', flag: '5' },
      ],
      '',
    ],
    ['links in a circle', [{ name: 'a', flag: '2', link: 'b' }, { name: 'b', flag: '2', link: 'a' }, { name: 'a/x' }], ''],
    ['a name longer than a file can have', [{ name: 'n'.repeat(256) }], 'ENAMETOOLONG'],
    ['a path longer than the kernel takes', [{ name: `${'d/'.repeat(5000)}f` }], 'longer than any path'],
    ['a link to more than the kernel takes', [{ name: 'l', flag: '2', link: 'x'.repeat(5000) }], 'ENAMETOOLONG'],
    ['a link to nothing', [{ name: 'l', flag: '2' }], 'without a target'],
    ['a name with a NUL', [{ name: 'x', pax: { path: 'a\0b' } }], 'path'],
    ['a device beyond all numbers', [{ name: 'x', flag: '3', major: 5000, minor: 1 }], 'no device'],
    ['a file as large as no disk', [{ name: 'x', pax: { 'GNU.sparse.map': '0,0', 'GNU.sparse.size': '9000000000000000' } }], ''],
  ]

  it.each(refused)('%s', async (_, entries, words) => {
    const first = { name: 'first', content: 'x' }
    await expect(extract(makeTar([first, ...entries]), fresh(), whiteouts)).rejects.toEqual(corrupt(words))
  })

  it('5,000 directories in each other', async () => {
    const entries: MadeEntry[] = Array.from({ length: 5000 }, (_, depth) => ({ name: 'd/'.repeat(depth + 1), flag: '5' }))
    const target = fresh()
    await expect(extract(makeTar(entries), target, whiteouts)).rejects.toEqual(corrupt('longer than any path'))
  })
})

describe('stays inside', () => {
  it.each([
    ['an absolute name', [{ name: `@/canary` }]],
    ['a link as a parent', [{ name: 'a', flag: '2', link: '@' }, { name: 'a/canary' }]],
    ['a link upwards as a parent', [{ name: 'a', flag: '2', link: '../outside' }, { name: 'a/canary' }]],
    ['links over links', [{ name: 'a', flag: '2', link: 'b/b' }, { name: 'b', flag: '2', link: '/' }, { name: `a@/canary` }]],
    ['a link to be overwritten', [{ name: 'a', flag: '2', link: '@/canary' }, { name: 'a' }]],
    [
      'a hard link to a link, overwritten',
      [{ name: 'a', flag: '2', link: '@/canary' }, { name: 'b', flag: '1', link: 'a' }, { name: 'b' }],
    ],
    [
      'a directory in the place of a link',
      [
        { name: 'a', flag: '2', link: '@' },
        { name: 'a', flag: '5', mode: 0o700, uid: 99 },
      ],
    ],
    [
      'a device behind a link',
      [
        { name: 'a', flag: '2', link: '@' },
        { name: 'a/canary', flag: '3', major: 1, minor: 3 },
      ],
    ],
    [
      'a link behind a link',
      [
        { name: 'a', flag: '2', link: '@/etc' },
        { name: 'a/canary', flag: '2', link: '/' },
      ],
    ],
    ['a whiteout behind a link', [{ name: 'a', flag: '2', link: '@' }, { name: 'a/.wh.canary' }]],
    ['an opaque mark behind a link', [{ name: 'a', flag: '2', link: '@' }, { name: 'a/.wh..wh..opq' }, { name: 'a/etc/.wh..wh..opq' }]],
    ['a tree replaced behind a link', [{ name: 'a', flag: '2', link: '@' }, { name: 'a/etc/new/x' }, { name: 'a/etc', content: 'file' }]],
    ['the links of proc', [{ name: 'a', flag: '2', link: '/proc/self/root' }, { name: 'a@/canary' }]],
    ['the working directory of proc', [{ name: 'a', flag: '2', link: '/proc/self/cwd/..' }, { name: 'a/outside/canary' }]],
  ] as readonly (readonly [string, readonly MadeEntry[]])[])('%s', async (_, entries) => {
    for (const whiteouts of ['overlay', 'apply'] as const) {
      const placed = entries.map((entry) => ({
        ...entry,
        name: String(entry.name).replace('@', outside),
        content: entry.content ?? (entry.flag === undefined ? 'overwritten' : ''),
        ...(entry.link === undefined ? {} : { link: String(entry.link).replace('@', outside) }),
      }))
      // That it fails is fine, too, but only in one way.
      await extract(makeTar(placed), fresh(), whiteouts).catch((error: unknown) => expect(error).toEqual(corrupt()))
      expect(describeTree(outside)).toEqual(untouched)
    }
  })

  it('whatever a layer below has left in the tree', async () => {
    const target = fresh()
    symlinkSync(outside, join(target, 'a'))
    symlinkSync('../outside/etc', join(target, 'b'))
    symlinkSync(join(outside, 'canary'), join(target, 'c'))
    const entries: MadeEntry[] = [
      { name: 'a/canary', content: 'x' },
      { name: 'b/.wh.canary' },
      { name: 'b/.wh..wh..opq' },
      { name: 'c', content: 'x' },
      { name: 'd', flag: '1', link: 'a/canary' },
      { name: '.wh.a' },
    ]
    await extract(makeTar(entries), target, 'apply')
    expect(lstatSync(join(target, 'c')).isFile()).toBe(true)
  })

  it('attributes, owners, modes and times of a link are its own', async () => {
    const [link] = [{ name: 'a', flag: '2', link: outside, mode: 0o777, uid: 7, gid: 8, mtime: 77, pax: { 'SCHILY.xattr.trusted.x': 'y' } }]
    const target = fresh()
    await extract(makeTar([link]), target)
    expect(lstatSync(join(target, 'a'))).toMatchObject({ uid: 7, gid: 8, mtimeMs: 77_000 })
  })
})

describe('never waits or writes', () => {
  it('in a fifo that came before, also under another name', async () => {
    const target = fresh()
    const entries: MadeEntry[] = [
      { name: 'fifo', flag: '6' },
      { name: 'hard', flag: '1', link: 'fifo' },
      { name: 'hard', content: 'x' },
      { name: 'fifo', content: 'y' },
      { name: 'null', flag: '3', major: 1, minor: 3 },
      { name: 'null', content: 'z' },
    ]
    await extract(makeTar(entries), target)
    expect(['hard', 'fifo', 'null'].map((name) => readFileSync(join(target, name), 'utf8'))).toEqual(['x', 'y', 'z'])
  })

  it('through a descriptor of its own', async () => {
    const entries: MadeEntry[] = [
      { name: 'l', flag: '2', link: '/dev/fd/3' },
      { name: 'l', content: 'x' },
      { name: 'dev/fd', flag: '2', link: '/proc/self/fd' },
      { name: 'dev/fd/4', content: 'x' },
    ]
    await extract(makeTar(entries))
  })
})

describe('damage', () => {
  const sound = makeTar([
    { name: 'd', flag: '5' },
    { name: 'd/file', content: Buffer.alloc(1300, 1), pax: { 'SCHILY.xattr.user.a': 'b' } },
    { name: 'd/link', flag: '2', link: 'x'.repeat(150) },
    { name: 'last', content: 'x' },
  ])

  it('of an archive cut off anywhere is found, and by the digest in any case', async () => {
    const diffId = digestOf(sound)
    for (let length = 0; length < sound.length; length += 512) {
      const cut = sound.subarray(0, length)
      await expect(ground.extract(cut, fresh(), { diffId })).rejects.toEqual(corrupt())
      // Without one, only between two entries it cannot be seen; that is told.
      const outcome = await extract(cut).catch((error: unknown) => {
        expect(error).toEqual(corrupt('cut off'))
      })
      if (outcome !== undefined && length < sound.length - 512) expect(outcome.warnings).toHaveLength(1)
    }
  })

  it('of compressed bytes is found at every place', async () => {
    const packed = gzipSync(sound)
    for (let length = 3; length < packed.length; length += 7) await expect(extract(packed.subarray(0, length))).rejects.toEqual(corrupt())
    const zstd = execFileSync('zstd', ['-c'], { input: sound })
    for (let length = 5; length < zstd.length; length += 7) await expect(extract(zstd.subarray(0, length))).rejects.toEqual(corrupt())
  })

  it('of a digest is told', async () => {
    const diffId = `sha256:${'0'.repeat(64)}` as const
    const words = `have the digest ${digestOf(sound)} instead of ${diffId}`
    await expect(ground.extract(gzipSync(sound), fresh(), { diffId })).rejects.toEqual(corrupt(words))
  })

  it('of a header is told, with its place', async () => {
    const damaged = Buffer.from(sound)
    damaged.fill(0xff, 512, 520)
    await expect(extract(damaged)).rejects.toEqual(corrupt('at byte 512'))
  })

  it('is not what any bytes are', async () => {
    await expect(extract(Buffer.from('this is no archive'.repeat(100)))).rejects.toEqual(corrupt('checksum'))
  })
})

it('the helper that extracted all this is still the first one, at home, and answers', async () => {
  const { helper } = ground
  const { pid } = helper
  expect(await helper.call('storage.usage', { path: outside })).toMatchObject({ inodes: 5 })
  expect(helper.pid).toBe(pid)
  expect(execFileSync('readlink', [`/proc/${pid}/root`, `/proc/${pid}/cwd`], { encoding: 'utf8' })).toBe('/\n/\n')
})
