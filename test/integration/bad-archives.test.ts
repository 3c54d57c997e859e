import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { busyboxRootfs } from '../../examples/busybox.ts'
import { type Entry, layoutArchive, tarball } from '../support/archives.ts'
import { image, useEngine } from '../support/engine.ts'
import { type Footprint, footprint } from '../support/footprint.ts'
import { bytesOf, failure } from '../support/results.ts'

const engine = useEngine()
let place: string
let before: Footprint
let rootfs: Buffer

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), 'libpod-ts-'))
  rootfs = await bytesOf(busyboxRootfs())
  await engine.runtime.prune()
  before = await footprint(engine)
})
afterAll(() => rm(place, { recursive: true, force: true }))

/** After a refusal nothing is listed, and once garbage is collected nothing is left. */
async function expectNothingLeft(): Promise<void> {
  expect((await engine.runtime.images.list()).flatMap(({ names }) => names)).toEqual([image])
  await engine.runtime.prune()
  // Folders of what is removed go in the background.
  await expect.poll(() => footprint(engine), { timeout: 10_000 }).toEqual(before)
  expect(await readdir(place)).toEqual([])
}

const stream = (data: Buffer): Readable => Readable.from([data])

describe('import', () => {
  it.each<[string, () => Buffer | Promise<Buffer>, string]>([
    ['an empty file', () => Buffer.alloc(0), 'corrupt'],
    ['noise', () => Buffer.alloc(100_000, 'nonsense'), 'corrupt'],
    ['a truncated tarball', () => rootfs.subarray(0, 300_000), 'corrupt'],
    ['a truncated header', () => rootfs.subarray(0, 700), 'corrupt'],
    ['a truncated gzip', () => gzipSync(rootfs).subarray(0, 200_000), 'corrupt'],
    ['a gzip with a wrong byte', () => spoil(gzipSync(rootfs), 100_000), 'corrupt'],
    ['a gzip of noise', () => gzipSync(Buffer.alloc(10_000, 'nonsense')), 'corrupt'],
    ['a bzip2', () => Buffer.from('QlpoOTFBWSZTWRkxZT0AAACBAAJEoAAhmmgzTQczi7kinChIDJiynoA=', 'base64'), 'unsupported'],
    ['a zstd that is cut off', () => execFileSync('zstd', ['-qc'], { input: rootfs, maxBuffer: 2 ** 26 }).subarray(0, 100_000), 'corrupt'],
    ['a wrong checksum', () => spoil(rootfs, 20), 'corrupt'],
    ['a name that climbs out', () => tarball([{ name: '../../escaped', content: 'x' }]), 'corrupt'],
    ['a folder that climbs out', () => tarball([{ name: 'a/../../escaped/', type: 'directory' }]), 'corrupt'],
    ['a hard link that points out', () => tarball([{ name: 'a', type: 'link', linkname: '../../../../etc/passwd' }]), 'corrupt'],
    ['a hard link to nothing', () => tarball([{ name: 'a', type: 'link', linkname: 'nothing' }]), 'corrupt'],
    [
      'a file below a file',
      () =>
        tarball([
          { name: 'a', content: 'x' },
          { name: 'a/b', content: 'x' },
        ]),
      'corrupt',
    ],
    ['a name with a NUL', () => tarball([{ name: 'a\0b', content: 'x' }]).then((data) => data), 'ok'],
  ])('%s', async (_name, make, code) => {
    const data = await make()
    const outcome = await engine.runtime.images.import(stream(data)).then(
      async (made) => {
        await made.remove()
        return 'ok'
      },
      (error: { code: string; message: string }) => {
        expect(error.message.length).toBeGreaterThan(20)
        return error.code
      },
    )
    expect(outcome).toBe(code)
    await expectNothingLeft()
  })

  it.each<[string, readonly Entry[], readonly string[]]>([
    ['absolute names lie inside', [{ name: '/abs/file', content: 'x' }], ['abs/file']],
    [
      'a link that points out is only a link',
      [
        { name: 'out', type: 'symlink', linkname: '/' },
        { name: 'out/escaped-1', content: 'x' },
      ],
      [],
    ],
    [
      'so is one that climbs',
      [
        { name: 'up', type: 'symlink', linkname: '../../../../..' },
        { name: 'up/escaped-2', content: 'x' },
      ],
      [],
    ],
    [
      'a link to a link',
      [
        { name: 'a', type: 'symlink', linkname: 'b' },
        { name: 'b', type: 'symlink', linkname: '/tmp' },
        { name: 'a/escaped-3', content: 'x' },
      ],
      [],
    ],
    [
      'a hard link to a link that points out',
      [
        { name: 's', type: 'symlink', linkname: '/etc/passwd' },
        { name: 'h', type: 'link', linkname: 's' },
      ],
      [],
    ],
    [
      'a fifo where a folder was',
      [
        { name: 'd/', type: 'directory' },
        { name: 'd', type: 'fifo' },
      ],
      [],
    ],
    ['a device', [{ name: 'null', type: 'character-device' }], []],
  ])('%s', async (_name, entries) => {
    const made = await engine.runtime.images.import(stream(await tarball(entries))).catch((error: { code?: string }) => {
      expect(error.code).toMatch(/^(corrupt|unsupported)$/)
      return undefined
    })
    await made?.remove()
    for (const folder of ['/', '/tmp', engine.root, join(engine.root, '..'), process.cwd()])
      expect((await readdir(folder)).filter((name) => name.startsWith('escaped'))).toEqual([])
    await expectNothingLeft()
  })

  it.each<[string, unknown, string, string]>([
    ['a file that is not there', '/nowhere/rootfs.tar', 'not-found', '/nowhere/rootfs.tar'],
    ['a folder', '/etc', 'invalid-argument', 'source'],
    ['a device', '/dev/null', 'invalid-argument', 'source'],
    ['no text', 7, 'invalid-argument', 'source'],
    ['nothing', undefined, 'invalid-argument', 'source'],
    ['a stream of objects', Readable.from([{ a: 1 }]), 'invalid-argument', 'source'],
    ['a path with a NUL', '/tmp/a\0b', 'invalid-argument', 'source'],
  ])('%s', async (_name, source, code, where) => {
    const error = await failure(engine.runtime.images.import(source as string))
    expect(error.code).toBe(code)
    expect(JSON.stringify(error.details)).toContain(where)
    await expectNothingLeft()
  })

  it('a stream that breaks off', async () => {
    const broken = Readable.from(
      (async function* () {
        yield rootfs.subarray(0, 100_000)
        throw new Error('the line went dead')
      })(),
    )
    const error = await failure(engine.runtime.images.import(broken))
    expect(error).toMatchObject({ code: 'corrupt', message: expect.stringContaining('broke off') })
    expect(String((error.cause as Error).message)).toContain('line went dead')
    await expectNothingLeft()
  })

  it.each<[Record<string, unknown>, string]>([
    [{ changes: ['RUN true'] }, 'changes[0]'],
    [{ changes: ['CMD ["a", 1]'] }, 'changes[0]'],
    [{ changes: ['ENV A=1', 'EXPOSE x'] }, 'changes[1]'],
    [{ changes: 'CMD x' }, 'changes'],
    [{ platform: 'a/b/c/d' }, 'platform'],
    [{ tga: 'x' }, 'tga'],
    [{ tag: 7 }, 'tag'],
    [{ message: 7 }, 'message'],
    [{ onProgress: 'x' }, 'onProgress'],
    [{ signal: 'x' }, 'signal'],
  ])('the options %j', async (options, path) => {
    expect(await failure(engine.runtime.images.import(stream(rootfs), options as never))).toMatchObject({
      code: 'invalid-argument',
      details: { path },
    })
    await expectNothingLeft()
  })
})

describe('load', () => {
  const zero = `sha256:${'0'.repeat(64)}`
  it.each<[string, () => Promise<Buffer>, string]>([
    ['an empty file', async () => Buffer.alloc(0), 'corrupt'],
    ['noise', async () => Buffer.alloc(50_000, 'nonsense'), 'corrupt'],
    ['a root file system', async () => rootfs, 'corrupt'],
    ['an archive that is cut off', async () => (await layoutArchive()).subarray(0, 3000), 'corrupt'],
    ['no index', () => layoutArchive({ entries: (entries) => entries.filter(({ name }) => name !== 'index.json') }), 'corrupt'],
    ['an index that is no JSON', () => layoutArchive({ index: '{' }), 'corrupt'],
    ['an index of nothing', () => layoutArchive({ index: { manifests: [] } }), 'corrupt'],
    ['an index that is a manifest too', () => layoutArchive({ index: { layers: [] } }), 'corrupt'],
    ['a newer layout', () => layoutArchive({ layout: '{"imageLayoutVersion":"9.0.0"}' }), 'unsupported'],
    ['a blob that is missing', () => layoutArchive({ entries: (entries) => entries.slice(0, -1) }), 'corrupt'],
    [
      'a forged layer',
      () =>
        layoutArchive({ entries: (entries) => entries.map((entry, at) => (at === 4 ? { ...entry, content: Buffer.alloc(2048) } : entry)) }),
      'corrupt',
    ],
    [
      'a forged configuration',
      () => layoutArchive({ entries: (entries) => entries.map((entry, at) => (at === 3 ? { ...entry, content: '{}' } : entry)) }),
      'corrupt',
    ],
    ['a layer with another diff id', () => layoutArchive({ config: { rootfs: { type: 'layers', diff_ids: [zero] } } }), 'corrupt'],
    ['more diff ids than layers', () => layoutArchive({ config: { rootfs: { type: 'layers', diff_ids: [zero, zero] } } }), 'corrupt'],
    [
      'a foreign configuration',
      () => layoutArchive({ manifest: { config: { mediaType: 'application/x-helm', digest: zero, size: 2 } } }),
      'unsupported',
    ],
    ['a manifest that is none', () => layoutArchive({ manifest: { layers: 'all' } }), 'corrupt'],
    [
      'another platform',
      () => layoutArchive({ index: { manifests: [{ mediaType: 'application/vnd.oci.image.index.v1+json', digest: zero, size: 2 }] } }),
      'corrupt',
    ],
    [
      'a layer that climbs out',
      async () => layoutArchive({ layer: await tarball([{ name: '../../escaped-4', content: 'x' }]) }),
      'corrupt',
    ],
    [
      'an entry that climbs out',
      () => layoutArchive({ entries: (entries) => [{ name: '../../escaped-5', content: 'x' }, ...entries] }),
      'corrupt',
    ],
    ['an absolute entry', () => layoutArchive({ entries: (entries) => [{ name: '/tmp/escaped-6', content: 'x' }, ...entries] }), 'corrupt'],
    [
      'a fifo for an index',
      () =>
        layoutArchive({
          entries: (entries) => [{ name: 'index.json', type: 'fifo' as const }, ...entries.filter(({ name }) => name !== 'index.json')],
        }),
      'corrupt',
    ],
  ])('%s', async (_name, make, code) => {
    const error = await failure(engine.runtime.images.load(stream(await make())))
    expect(error.code).toBe(code)
    expect(error.message.length).toBeGreaterThan(20)
    expect((await readdir('/tmp')).filter((name) => name.startsWith('escaped'))).toEqual([])
    await expectNothingLeft()
  })

  it('a well-formed one is taken, so that the others are refused for their faults', async () => {
    const made = await engine.runtime.images.load(stream(await layoutArchive()))
    await made.remove()
    await expectNothingLeft()
  })

  it('a folder that is no image layout', async () => {
    expect((await failure(engine.runtime.images.load('/etc'))).code).toBe('corrupt')
    expect((await failure(engine.runtime.images.load('/nowhere'))).code).toBe('not-found')
    await expectNothingLeft()
  })
})

describe('save', () => {
  it('to a place that is not there, and in a format that is not known', async () => {
    const mine = await engine.runtime.images.get(image)
    expect(await failure(mine.save({ path: join(place, 'not/there.tar') }))).toMatchObject({
      code: 'not-found',
      details: { kind: 'folder' },
    })
    expect(await failure(mine.save({ path: join(place, 'x.tar'), format: 'zip' as never }))).toMatchObject({
      code: 'unsupported',
      hint: expect.stringContaining('oci-archive'),
    })
    expect((await failure(engine.runtime.images.save([], { path: join(place, 'x.tar') }))).code).toBe('invalid-argument')
    expect((await failure(engine.runtime.images.save(['nothing'], { path: join(place, 'x.tar') }))).code).toBe('not-found')
    await expectNothingLeft()
    await writeFile(join(place, 'kept.tar'), 'mine')
    await expect(mine.save({ path: join(place, 'kept.tar'), signal: AbortSignal.abort('no') })).rejects.toBe('no')
    expect(await readdir(place)).toEqual(['kept.tar'])
    await rm(join(place, 'kept.tar'))
  })

  it('to what takes no archive: the caller is told at the option, and nothing is replaced', async () => {
    const mine = await engine.runtime.images.get(image)
    const before = ['dangling', 'loop', 'pipe']
    await symlink('missing', join(place, 'dangling'))
    await symlink('loop', join(place, 'loop'))
    execFileSync('mkfifo', [join(place, 'pipe')])
    for (const name of [...before, 'loop/x', 'n'.repeat(300)]) {
      const path = join(place, name)
      expect(await failure(mine.save({ path }))).toMatchObject({ code: 'invalid-argument', details: { path: 'path', value: path } })
    }
    expect((await readdir(place)).sort()).toEqual(before)
    for (const name of ['loop', 'pipe']) {
      const path = join(place, name)
      expect(await failure(engine.runtime.images.load(path))).toMatchObject({
        code: 'invalid-argument',
        details: { path: 'source', value: path },
      })
    }
    for (const name of before) await rm(join(place, name))
  })

  it('to a pipe that is not read on ends with its signal', async () => {
    const mine = await engine.runtime.images.get(image)
    const path = join(place, 'pipe')
    execFileSync('mkfifo', [path])
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const abort = new AbortController()
    const saving = expect(mine.save({ path, signal: abort.signal })).rejects.toBe('enough')
    await setTimeout(100)
    abort.abort('enough')
    await saving
    closeSync(reader)
    await rm(path)
    await expectNothingLeft()
  })
})

function spoil(data: Buffer, at: number): Buffer {
  const copy = Buffer.from(data)
  copy[at] = (copy[at] ?? 0) ^ 0xff
  return copy
}
