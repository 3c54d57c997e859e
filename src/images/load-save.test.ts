import { spawnSync } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Digest, digestOf, splitDigest } from '../base/digest.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { Descriptor, OCIIndex } from '../specs/image-spec.ts'
import { type FakeImages, fakeImages, overwrite } from './fake-services.ts'
import type { Image } from './image.ts'
import { Images } from './images.ts'
import type { ImageProgress } from './progress.ts'

let directory: string
let services: FakeImages
let images: Images
let image: Image
let archive: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-load-'))
  services = await fakeImages(join(directory, 'store'))
  images = new Images(services)
  image = await images.import(Readable.from([gzipSync(await tarOf({ 'etc/os-release': 'ID=test\n' }))]), {
    tag: 'mine:1',
    changes: ['CMD ["/bin/sh"]'],
  })
  archive = join(directory, 'mine.tar')
  await image.save({ path: archive })
})
afterEach(() => rm(directory, { recursive: true }))

/** A tarball of a few files. */
async function tarOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const tree = await mkdtemp(join(directory, 'tree-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(tree, name, '..'), { recursive: true })
    await writeFile(join(tree, name), text)
  }
  return run('tar', '-c', '-C', tree, '--mtime=@0', '--sort=name', '.').stdout
}

function run(command: string, ...args: string[]): { stdout: Buffer } {
  const { status, stdout, stderr } = spawnSync(command, args, { maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.toString()}`)
  return { stdout }
}

/** Another, empty store. */
async function another(): Promise<{ services: FakeImages; images: Images }> {
  const other = await fakeImages(await mkdtemp(join(directory, 'other-')))
  return { services: other, images: new Images(other) }
}

/** The archive as a directory. */
async function unpacked(path = archive): Promise<string> {
  const layout = await mkdtemp(join(directory, 'layout-'))
  run('tar', '-x', '-C', layout, '-f', path)
  return layout
}

function packed(layout: string, ...args: string[]): string {
  const path = `${layout}.tar`
  run('tar', '-c', '-C', layout, ...args, '-f', path, '.')
  return path
}

async function writeBlob(layout: string, document: object, mediaType: string): Promise<Descriptor> {
  const data = Buffer.from(JSON.stringify(document))
  const digest = digestOf(data)
  await writeFile(join(layout, 'blobs/sha256', splitDigest(digest).hex), data)
  return { mediaType, digest, size: data.length }
}

const pathIn = (layout: string, digest: Digest): string => join(layout, 'blobs/sha256', splitDigest(digest).hex)
const readIndex = async (layout: string): Promise<OCIIndex> => JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'))
const writeIndex = (layout: string, manifests: readonly object[]): Promise<void> =>
  writeFile(join(layout, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
const indexType = 'application/vnd.oci.image.index.v1+json'

async function expectRefusal(source: string | Readable, code: ErrorCode, message: RegExp, options = {}): Promise<void> {
  const other = await another()
  await expect(other.images.loadAll(source, options)).rejects.toEqual(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  )
  expect(await other.images.list()).toEqual([])
  expect(await other.services.leftovers()).toEqual([])
  expect(other.services.events).toEqual([])
}

describe('save and load', () => {
  it('keep every byte', async () => {
    const other = await another()
    const loaded = await other.images.load(archive)
    expect(loaded.id).toBe(image.id)
    const [before, after] = [await image.inspect(), await loaded.inspect()]
    expect(after).toEqual({ ...before, sizeBytes: after.sizeBytes })
    const again = join(directory, 'again.tar')
    await loaded.save({ format: 'oci-archive', path: again })
    expect(await readFile(again)).toEqual(await readFile(archive))
    expect(other.services.events.map(({ action, name }) => `${action} ${name}`)).toEqual([
      'loadfromarchive localhost/mine:1',
      'save localhost/mine:1',
    ])
    expect(await other.services.leftovers()).toEqual([])
    expect(await readdir(directory)).not.toContainEqual(expect.stringContaining('.again'))
  })

  it('load a stream, gzipped or not, in pieces of any size', async () => {
    const data = gzipSync(await readFile(archive))
    const pieces = Array.from({ length: Math.ceil(data.length / 100) }, (_, index) => data.subarray(index * 100, index * 100 + 100))
    const other = await another()
    expect((await other.images.load(Readable.from(pieces))).id).toBe(image.id)
    expect((await other.images.load(Readable.from(await image.save()))).id).toBe(image.id)
  })

  it('load a second time without extracting again, and keep the names', async () => {
    const other = await another()
    const loaded = await other.images.load(archive)
    await loaded.tag('two')
    await other.images.load(archive)
    expect(other.services.extractions).toBe(1)
    expect((await loaded.inspect()).names).toEqual(['localhost/mine:1', 'localhost/two:latest'])
  })

  it('tell how far they are', async () => {
    const seen: ImageProgress[] = []
    await (await another()).images.load(archive, { onProgress: (progress) => void seen.push(progress) })
    const totalBytes = (await stat(archive)).size
    expect(seen.filter(({ phase }) => phase === 'read').at(-1)).toEqual({ phase: 'read', bytes: totalBytes, totalBytes })
    expect(new Set(seen.map(({ phase }) => phase))).toEqual(new Set(['read', 'extract', 'done']))
  })

  it('hold several images, which load() does not choose from', async () => {
    const two = await images.import(Readable.from([await tarOf({ b: 'two' })]), { tag: 'two' })
    await two.tag('also')
    const path = join(directory, 'both.tar')
    await images.save(['mine:1', 'two'], { path })
    const other = await another()
    await expect(other.images.load(path)).rejects.toMatchObject({
      code: 'ambiguous',
      details: { candidates: ['localhost/mine:1', 'localhost/two:latest'] },
    })
    expect(await other.images.list()).toEqual([])
    expect((await other.images.loadAll(path)).map(({ id }) => id)).toEqual([image.id, two.id])
    expect((await other.images.get('also')).id).toBe(two.id)
  })

  it('save to a stream holds a lease until it has been read, and lets go when it is not read on', async () => {
    const stream = await image.save()
    const iterator = stream[Symbol.asyncIterator]()
    await iterator.next()
    expect(services.leased().size).toBe(3)
    stream.destroy()
    await expect.poll(() => services.leased().size).toBe(0)
  })

  it('save fails cleanly', async () => {
    await expect(image.save({ path: join(directory, 'no/such/x.tar') })).rejects.toMatchObject({ code: 'not-found' })
    await expect(image.save({ format: 'zip' as 'oci-archive' })).rejects.toMatchObject({ code: 'unsupported' })
    await expect(image.save({ path: archive, signal: AbortSignal.abort('no') })).rejects.toBe('no')
    await expect(images.save([])).rejects.toMatchObject({ code: 'invalid-argument' })
    const blob = await services.store.content.open((await image.inspect()).digest)
    await unlink(blob.path)
    await rm(archive)
    await expect(image.save({ path: archive })).rejects.toMatchObject({ code: 'not-found' })
    expect(await readdir(directory)).toEqual(expect.not.arrayContaining([expect.stringContaining('mine.tar')]))
    await expect((async () => pipeline(await image.save(), createWriteStream('/dev/null')))()).rejects.toMatchObject({ code: 'not-found' })
    await expect(images.ref('0'.repeat(64)).save()).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('other programs', () => {
  it('skopeo reads what save writes, and load reads what skopeo writes', async () => {
    const info = JSON.parse(run('skopeo', 'inspect', `oci-archive:${archive}`).stdout.toString()) as { Digest: string; Layers: string[] }
    const mine = await image.inspect()
    expect(info).toMatchObject({ Digest: mine.digest, Layers: [mine.layers[0]?.digest] })
    const copies = {
      'oci-archive': join(directory, 'copy.oci'),
      oci: join(directory, 'copy-layout'),
      'docker-archive': join(directory, 'copy.docker'),
    }
    for (const [transport, path] of Object.entries(copies)) {
      run('skopeo', 'copy', '--insecure-policy', `oci-archive:${archive}`, `${transport}:${path}:docker.io/library/copy:3`)
      const other = await another()
      const loaded = await other.images.load(path)
      const { names, layers, config } = await loaded.inspect()
      expect(names).toEqual(['docker.io/library/copy:3'])
      expect(layers.map(({ diffId }) => diffId)).toEqual(mine.layers.map(({ diffId }) => diffId))
      expect(config.command).toEqual(['/bin/sh'])
      if (transport !== 'docker-archive') expect(loaded.id).toBe(image.id)
      expect(await other.services.leftovers()).toEqual([])
    }
  })

  it('umoci unpacks what save writes', async () => {
    const layout = await unpacked()
    const bundle = join(directory, 'bundle')
    run('umoci', 'unpack', '--image', `${layout}:localhost/mine:1`, bundle)
    expect(await readFile(join(bundle, 'rootfs/etc/os-release'), 'utf8')).toBe('ID=test\n')
  })
})

describe('a layout', () => {
  it('can be a directory', async () => {
    const other = await another()
    expect((await other.images.load(await unpacked())).id).toBe(image.id)
  })

  it('may put the name into the annotation of containerd', async () => {
    const layout = await unpacked()
    const { manifests } = await readIndex(layout)
    const annotations = { 'io.containerd.image.name': 'docker.io/library/x:3', 'org.opencontainers.image.ref.name': '3' }
    await writeIndex(
      layout,
      manifests.map((descriptor) => ({ ...descriptor, annotations })),
    )
    const other = await another()
    expect((await (await other.images.load(packed(layout))).inspect()).names).toEqual(['docker.io/library/x:3'])
  })

  it('may nest indexes of several platforms', async () => {
    const arm = await images.import(Readable.from([await tarOf({ arm: 'v7' })]), { tag: 'arm', platform: 'linux/arm/v7' })
    const both = join(directory, 'both.tar')
    await images.save([image.id, arm.id], { path: both })
    const layout = await unpacked(both)
    const [amd64, armV7] = (await readIndex(layout)).manifests.map(({ annotations: _, ...descriptor }) => descriptor)
    const attestation = { ...amd64, platform: { os: 'unknown', architecture: 'unknown' } }
    const manifests = [
      attestation,
      { ...armV7, platform: { os: 'linux', architecture: 'arm', variant: 'v7' } },
      { ...amd64, platform: { os: 'linux', architecture: 'amd64' } },
    ]
    const inner = await writeBlob(layout, { schemaVersion: 2, mediaType: indexType, manifests }, indexType)
    const outer = await writeBlob(layout, { schemaVersion: 2, manifests: [inner] }, indexType)
    await writeIndex(layout, [{ ...outer, annotations: { 'org.opencontainers.image.ref.name': 'localhost/multi:1' } }])
    for (const source of [layout, packed(layout)]) {
      const other = await another()
      expect((await other.images.load(source)).id).toBe(image.id)
      expect((await other.images.load(source, { platform: 'linux/arm/v8' })).id).toBe(arm.id)
      expect((await other.images.get('multi:1')).id).toBe(arm.id)
    }
    await expectRefusal(layout, 'unsupported', /linux\/s390x.*linux\/arm\/v7, linux\/amd64;/, { platform: 'linux/s390x' })
    await writeIndex(layout, manifests)
    expect((await (await another()).images.load(layout)).id).toBe(image.id)
  })
})

describe('a docker-archive', () => {
  /** As old versions of Docker write it: a directory for each layer, links for repeated ones. */
  async function dockerArchive(
    change: (files: string) => Promise<void> = async () => {},
  ): Promise<{ path: string; config: Buffer; layer: Buffer }> {
    const files = await mkdtemp(join(directory, 'docker-'))
    const layer = await tarOf({ a: 'layer' })
    const rootfs = { type: 'layers', diff_ids: [digestOf(layer), digestOf(layer)] }
    const config = Buffer.from(
      JSON.stringify({ architecture: 'amd64', os: 'linux', docker_version: '1', config: { Cmd: ['x'], Entrypoint: null }, rootfs }),
    )
    const name = `${splitDigest(digestOf(config)).hex}.json`
    for (const id of ['one', 'two']) await mkdir(join(files, id))
    await writeFile(join(files, 'one/layer.tar'), layer)
    await symlink('../one/layer.tar', join(files, 'two/layer.tar'))
    await writeFile(join(files, 'one/VERSION'), '1.0')
    await writeFile(join(files, name), config)
    const Layers = ['one/layer.tar', 'two/layer.tar']
    await writeFile(join(files, 'manifest.json'), JSON.stringify([{ Config: name, RepoTags: ['alpine:3', 'localhost/a:1'], Layers }]))
    await change(files)
    return { path: packed(files), config, layer }
  }

  it('keeps configuration and layers byte for byte', async () => {
    const { path, config, layer } = await dockerArchive()
    const loaded = await images.load(path)
    expect(`sha256:${loaded.id}`).toBe(digestOf(config))
    const info = await loaded.inspect()
    expect(info.names).toEqual(['docker.io/library/alpine:3', 'localhost/a:1'])
    expect(info.layers.map(({ digest }) => digest)).toEqual([digestOf(layer), digestOf(layer)])
    expect(info.layers[1]?.chainId).toBe(digestOf(`${digestOf(layer)} ${digestOf(layer)}`))
    expect(await services.leftovers()).toEqual([])
  })

  it.each<[string, (files: string) => Promise<void>, RegExp]>([
    ['a missing layer', (files) => rm(join(files, 'one/layer.tar')), /one\/layer\.tar.*missing/],
    ['a link out of it', (files) => symlink('../../etc/passwd', join(files, 'one/x')), /leads out/],
    ['an absolute link', (files) => symlink('/etc/passwd', join(files, 'one/x')), /leads out/],
    ['links in a circle', (files) => symlink('x', join(files, 'x')), /circle/],
    [
      'a forged layer',
      (files) => overwrite(join(files, 'one/layer.tar'), (data) => Buffer.concat([data, Buffer.alloc(512)])),
      /diffId|not/,
    ],
    ['a bad manifest.json', (files) => writeFile(join(files, 'manifest.json'), '{'), /not JSON/],
    ['a manifest.json of another shape', (files) => writeFile(join(files, 'manifest.json'), '[{"Config":3}]'), /Config/],
    ['no image', (files) => writeFile(join(files, 'manifest.json'), '[]'), /no image/],
  ])('with %s is refused', async (_, change, message) => {
    await expectRefusal((await dockerArchive(change)).path, 'corrupt', message)
  })
})

describe('a bad archive', () => {
  const layerOf = async (): Promise<Digest> => (await image.inspect()).layers[0]?.digest ?? 'sha256:'
  const configOf = async (): Promise<Digest> => (await image.inspect()).configDigest
  const manifestOf = async (): Promise<Digest> => (await image.inspect()).digest

  it.each<[string, ErrorCode, RegExp, (layout: string) => Promise<unknown>]>([
    ['a forged layer', 'corrupt', /./, async (layout) => overwrite(pathIn(layout, await layerOf()), (data) => data.fill(7, 20, 30))],
    ['a forged manifest', 'corrupt', /./, async (layout) => overwrite(pathIn(layout, await manifestOf()), (data) => data.fill(32, 0, 1))],
    [
      'a shortened configuration',
      'corrupt',
      /./,
      async (layout) => overwrite(pathIn(layout, await configOf()), (data) => data.subarray(1)),
    ],
    ['a missing layer', 'corrupt', /missing/, async (layout) => unlink(pathIn(layout, await layerOf()))],
    ['a missing manifest', 'corrupt', /missing/, async (layout) => unlink(pathIn(layout, await manifestOf()))],
    ['no index', 'corrupt', /index\.json/, (layout) => unlink(join(layout, 'index.json'))],
    ['a broken index', 'corrupt', /not JSON/, (layout) => writeFile(join(layout, 'index.json'), '{"schemaVersion":2,')],
    ['an index of another shape', 'corrupt', /manifests/, (layout) => writeFile(join(layout, 'index.json'), '{"schemaVersion":2}')],
    ['an empty index', 'corrupt', /no image/, (layout) => writeIndex(layout, [])],
    ['another version', 'unsupported', /2\.0\.0/, (layout) => writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}')],
    [
      'a size that lies',
      'corrupt',
      /bytes/,
      async (layout) =>
        writeIndex(
          layout,
          (await readIndex(layout)).manifests.map((one) => ({ ...one, size: one.size + 1 })),
        ),
    ],
    [
      'a digest that climbs out',
      'corrupt',
      /digest/,
      (layout) => writeIndex(layout, [{ mediaType: indexType, digest: 'sha256:../../../etc/passwd', size: 1 }]),
    ],
    [
      'a name that is none',
      'corrupt',
      /name/,
      async (layout) =>
        writeIndex(
          layout,
          (await readIndex(layout)).manifests.map((one) => ({ ...one, annotations: { 'org.opencontainers.image.ref.name': 'A b' } })),
        ),
    ],
    ['an artifact', 'unsupported', /not an image/, async (layout) => writeIndex(layout, [await artifact(layout)])],
    [
      'a manifest that is an index too',
      'corrupt',
      /manifest and an index/,
      async (layout) => writeIndex(layout, [await withKeys(layout, { manifests: [] })]),
    ],
    [
      'a manifest of another type',
      'corrupt',
      /calls itself/,
      async (layout) => writeIndex(layout, [await withKeys(layout, { mediaType: indexType })]),
    ],
    ['more layers than diff ids', 'corrupt', /2 layers/, async (layout) => writeIndex(layout, [await withTwoLayers(layout)])],
    ['a wrong diff id', 'corrupt', /./, async (layout) => writeIndex(layout, [await withDiffId(layout)])],
  ])('with %s is refused, packed or as a directory', async (_, code, message, change) => {
    const layout = await unpacked()
    await change(layout)
    await expectRefusal(layout, code, message)
    await expectRefusal(packed(layout), code, message)
  })

  const manifestType = 'application/vnd.oci.image.manifest.v1+json'
  async function withKeys(layout: string, keys: object): Promise<Descriptor> {
    const manifest = JSON.parse(await readFile(pathIn(layout, await manifestOf()), 'utf8')) as object
    return writeBlob(layout, { ...manifest, ...keys }, manifestType)
  }
  const artifact = async (layout: string): Promise<Descriptor> =>
    withKeys(layout, { config: await writeBlob(layout, {}, 'application/vnd.example.thing') })
  async function withTwoLayers(layout: string): Promise<Descriptor> {
    const { layers } = JSON.parse(await readFile(pathIn(layout, await manifestOf()), 'utf8')) as { layers: object[] }
    return withKeys(layout, { layers: [...layers, ...layers] })
  }
  async function withDiffId(layout: string): Promise<Descriptor> {
    const config = JSON.parse(await readFile(pathIn(layout, await configOf()), 'utf8')) as object
    const rootfs = { type: 'layers', diff_ids: [digestOf('something else')] }
    return withKeys(layout, { config: await writeBlob(layout, { ...config, rootfs }, 'application/vnd.oci.image.config.v1+json') })
  }

  it('that is cut off anywhere is refused', async () => {
    const data = await readFile(archive)
    const zipped = gzipSync(data)
    for (const part of [0.1, 0.3, 0.5, 0.7]) {
      await expectRefusal(Readable.from([data.subarray(0, data.length * part)]), 'corrupt', /./)
      await expectRefusal(Readable.from([zipped.subarray(0, zipped.length * part)]), 'corrupt', /cut off/)
    }
    await expectRefusal(Readable.from([]), 'corrupt', /empty/)
  })

  it('that is no archive is refused', async () => {
    await expectRefusal(Readable.from([Buffer.alloc(10_240, 'text')]), 'corrupt', /no tarball/)
    await expectRefusal(Readable.from([await tarOf({ 'etc/passwd': 'x' })]), 'corrupt', /no archive of images/)
    await expectRefusal(join(directory, 'missing'), 'not-found', /missing/)
    await expectRefusal(directory, 'corrupt', /index\.json/)
  })

  it.each([
    ['../escaped', '../escaped'],
    ['an absolute path', '/tmp/escaped'],
    ['.. in the middle', 'blobs/sha256/../../../escaped'],
  ])('with an entry that leads out (%s) is refused', async (_, name) => {
    const layout = await unpacked()
    await writeFile(join(layout, 'marker'), 'x')
    await expectRefusal(packed(layout, '-P', `--transform=s|^./marker$|${name}|`), 'corrupt', /leads out/)
  })

  it('with links and pipes in place of files is refused', async () => {
    const layout = await unpacked()
    const config = pathIn(layout, await configOf())
    await unlink(config)
    await symlink('/etc/passwd', config)
    await expectRefusal(layout, 'corrupt', /plain file/)
    await expectRefusal(packed(layout), 'corrupt', /leads out/)
    await unlink(config)
    run('mkfifo', config)
    await expectRefusal(layout, 'corrupt', /plain file/)
    await expectRefusal(packed(layout), 'corrupt', /missing/)
  })
})

describe('a stopped load', () => {
  it.each(['load.open', 'load.read', 'load.verify', 'unpack.prepare', 'unpack.extract', 'unpack.commit', 'load.unpack'])(
    'that is aborted after %s leaves nothing listed, and can be repeated',
    async (name) => {
      const other = await another()
      const abort = new AbortController()
      other.services.probe = (at, when) => {
        if (at === name && when === 'after') abort.abort('stop')
      }
      await expect(other.images.load(archive, { signal: abort.signal })).rejects.toBe('stop')
      expect(await other.images.list()).toEqual([])
      expect(await other.services.leftovers()).toEqual([])
      other.services.probe = undefined
      expect((await other.images.load(archive)).id).toBe(image.id)
    },
  )

  it('that was killed is taken up where it was', async () => {
    const other = await another()
    const { content, snapshots } = other.services.store
    const [layer] = (await image.inspect()).layers
    if (layer === undefined) throw new Error('no layer')
    await other.services.leases.with(async (lease) => {
      const active = `extract-${splitDigest(layer.diffId).hex}`
      await lease.add({ snapshots: [active] })
      await snapshots.prepare(active)
      const half = await content.ingest({ reference: layer.digest, digest: layer.digest })
      await half.write(Buffer.from('half of something else'))
      await half.close()
    })
    expect((await other.images.load(archive)).id).toBe(image.id)
    expect(await other.services.leftovers()).toEqual([])
  })

  it('beside others of the same archive extracts each layer once', async () => {
    const other = await another()
    const loaded = await Promise.all([1, 2, 3].map(() => other.images.load(archive)))
    expect(new Set(loaded.map(({ id }) => id))).toEqual(new Set([image.id]))
    expect(other.services.extractions).toBe(1)
  })
})
