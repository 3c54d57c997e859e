import { mkdir, mkdtemp, readFile, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Digest, digestOf, splitDigest } from '../base/digest.ts'
import type { ErrorCode } from '../base/errors.ts'
import type { Descriptor } from '../specs/image-spec.ts'
import { overwrite } from './fake-services.ts'
import { blobIn, indexType, packed, readIndex, run, type SavedImage, saveTestImage, writeBlob, writeIndex } from './saved-image-suite.ts'

let directory: SavedImage['directory']
let services: SavedImage['services']
let images: SavedImage['images']
let image: SavedImage['image']
let archive: SavedImage['archive']
let another: SavedImage['another']
let unpacked: SavedImage['unpacked']
let tarOf: SavedImage['tarOf']

beforeEach(async () => {
  ;({ directory, services, images, image, archive, another, unpacked, tarOf } = await saveTestImage())
})
afterEach(() => rm(directory, { recursive: true }))

async function expectRefusal(source: string | Readable, code: ErrorCode, message: RegExp): Promise<void> {
  const other = await another()
  await expect(other.images.loadAll(source)).rejects.toEqual(expect.objectContaining({ code, message: expect.stringMatching(message) }))
  expect(await other.images.list()).toEqual([])
  expect(await other.services.leftovers()).toEqual([])
  expect(other.services.events).toEqual([])
}

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

  it('that names very many images is given up as soon as the signal says so', async () => {
    const { path } = await dockerArchive(async (files) => {
      const manifest = JSON.parse(await readFile(join(files, 'manifest.json'), 'utf8')) as object[]
      await writeFile(join(files, 'manifest.json'), JSON.stringify(Array.from({ length: 50 }, () => manifest[0])))
    })
    const { services: own, images: there } = await another()
    const { content } = own.store
    const { open } = content
    const abort = new AbortController()
    let opened = 0
    Object.assign(content, {
      open: (...args: Parameters<typeof open>) => {
        opened++
        if (opened === 3) abort.abort('stop')
        return open(...args)
      },
    })
    await expect(there.loadAll(path, { signal: abort.signal })).rejects.toBe('stop')
    expect(opened).toBe(3)
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

  it('that is cut off anywhere is refused', async () => {
    const { path, config } = await dockerArchive()
    // One file right after the other: the next is cut off before it is asked for.
    const names = [`${splitDigest(digestOf(config)).hex}.json`, 'one/layer.tar', 'two/layer.tar', 'manifest.json']
    run('tar', '-c', '-C', path.replace(/\.tar$/, ''), '-f', path, ...names)
    const data = await readFile(path)
    for (const at of [100, 513, 700, 1500, 2000, 3000, 8000, 11_000]) {
      const cut = data.subarray(0, at)
      await writeFile(path, cut)
      await expectRefusal(path, 'corrupt', /cut off/)
      await expectRefusal(Readable.from([cut]), 'corrupt', /cut off/)
      await expectRefusal(Readable.from([gzipSync(cut)]), 'corrupt', /cut off/)
    }
  })
})

describe('a source that cannot be read', () => {
  it.each<[string, () => Promise<string>]>([
    ['a name that is too long', async () => join(directory, 'n'.repeat(300))],
    [
      'a link that leads in a circle',
      async () => {
        await symlink('loop', join(directory, 'loop'))
        return join(directory, 'loop')
      },
    ],
    [
      'a pipe, which is not even opened: nobody may ever write to it',
      async () => {
        run('mkfifo', join(directory, 'pipe'))
        return join(directory, 'pipe')
      },
    ],
  ])('is refused: %s', async (_, make) => {
    const path = await make()
    const refusal = { code: 'invalid-argument', details: { path: 'source', value: path }, hint: expect.stringMatching(/./) }
    await expect(images.load(path)).rejects.toMatchObject(refusal)
    await expect(images.import(path)).rejects.toMatchObject(refusal)
    expect(await services.leftovers()).toEqual([])
  })
})

describe('a bad archive', () => {
  const layerOf = async (): Promise<Digest> => (await image.inspect()).layers[0]?.digest ?? 'sha256:'
  const configOf = async (): Promise<Digest> => (await image.inspect()).configDigest
  const manifestOf = async (): Promise<Digest> => (await image.inspect()).digest

  it.each<[string, ErrorCode, RegExp, (layout: string) => Promise<unknown>]>([
    ['a forged layer', 'corrupt', /./, async (layout) => overwrite(blobIn(layout, await layerOf()), (data) => data.fill(7, 20, 30))],
    ['a forged manifest', 'corrupt', /./, async (layout) => overwrite(blobIn(layout, await manifestOf()), (data) => data.fill(32, 0, 1))],
    [
      'a shortened configuration',
      'corrupt',
      /./,
      async (layout) => overwrite(blobIn(layout, await configOf()), (data) => data.subarray(1)),
    ],
    ['a missing layer', 'corrupt', /missing/, async (layout) => unlink(blobIn(layout, await layerOf()))],
    ['a missing manifest', 'corrupt', /missing/, async (layout) => unlink(blobIn(layout, await manifestOf()))],
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
    ['more layers than diff ids', 'corrupt', /2 layers/, async (layout) => writeIndex(layout, [await withLayers(layout, 2)])],
    ['too many layers', 'unsupported', /161 layers/, async (layout) => writeIndex(layout, [await withLayers(layout, 161)])],
    ['a wrong diff id', 'corrupt', /./, async (layout) => writeIndex(layout, [await withDiffId(layout)])],
  ])('with %s is refused, packed or as a directory', async (_, code, message, change) => {
    const layout = await unpacked()
    await change(layout)
    await expectRefusal(layout, code, message)
    await expectRefusal(packed(layout), code, message)
  })

  const manifestType = 'application/vnd.oci.image.manifest.v1+json'
  async function withKeys(layout: string, keys: object): Promise<Descriptor> {
    const manifest = JSON.parse(await readFile(blobIn(layout, await manifestOf()), 'utf8')) as object
    return writeBlob(layout, { ...manifest, ...keys }, manifestType)
  }
  const artifact = async (layout: string): Promise<Descriptor> =>
    withKeys(layout, { config: await writeBlob(layout, {}, 'application/vnd.example.thing') })
  async function withLayers(layout: string, count: number): Promise<Descriptor> {
    const { layers } = JSON.parse(await readFile(blobIn(layout, await manifestOf()), 'utf8')) as { layers: object[] }
    return withKeys(layout, { layers: Array.from({ length: count }, () => layers[0]) })
  }
  async function withDiffId(layout: string): Promise<Descriptor> {
    const config = JSON.parse(await readFile(blobIn(layout, await configOf()), 'utf8')) as object
    const rootfs = { type: 'layers', diff_ids: [digestOf('something else')] }
    return withKeys(layout, { config: await writeBlob(layout, { ...config, rootfs }, 'application/vnd.oci.image.config.v1+json') })
  }

  it('that is cut off anywhere is refused', async () => {
    const data = await readFile(archive)
    const zipped = gzipSync(data)
    for (const part of [0.1, 0.3, 0.5, 0.7]) {
      const cut = data.subarray(0, data.length * part)
      await expectRefusal(Readable.from([cut]), 'corrupt', /./)
      // Whole as gzip data, but not what is in it.
      await expectRefusal(Readable.from([gzipSync(cut)]), 'corrupt', /./)
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
    const config = blobIn(layout, await configOf())
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
