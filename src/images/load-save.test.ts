import { createWriteStream } from 'node:fs'
import { readdir, readFile, rm, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { splitDigest } from '../base/digest.ts'
import type { ImageProgress } from './progress.ts'
import { indexType, packed, readIndex, run, type SavedImage, saveTestImage, writeBlob, writeIndex } from './saved-image-suite.ts'

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

  it('save to a path that is none is refused, and to one with a long name is not', async () => {
    for (const path of ['a\0b', join(directory, 'a\0b'), join(directory, 'n'.repeat(256))])
      await expect(image.save({ path })).rejects.toMatchObject({ code: 'invalid-argument', details: { path: 'path', value: path } })
    await image.save({ path: join(directory, 'n'.repeat(255)) })
    expect((await readdir(directory)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  it.each(['until', 'dangling', 'containers'])('the filter %s is read also where there is no image', async (key) => {
    const { images: empty } = await another()
    const refusal = { code: 'invalid-argument', details: { path: `filters.${key}` } }
    await expect(empty.list({ filters: { [key]: 'x' } })).rejects.toMatchObject(refusal)
    await expect(empty.list({ filters: { [key]: 5n as never } })).rejects.toMatchObject(refusal)
    await expect(empty.prune({ filters: { [key]: 'x' } })).rejects.toMatchObject(refusal)
  })

  it('a name that is no text is refused', async () => {
    await expect(image.tag(5n as never)).rejects.toMatchObject({ code: 'invalid-argument' })
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
    await expect((await another()).images.load(layout, { platform: 'linux/s390x' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/linux\/s390x.*linux\/arm\/v7, linux\/amd64;/),
    })
    await writeIndex(layout, manifests)
    expect((await (await another()).images.load(layout)).id).toBe(image.id)
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

describe('closing the runtime', () => {
  it('ends a load that waits for its source, and waits for that', async () => {
    const { services: own, images: there } = await another()
    const data = await readFile(archive)
    const silent = new Readable({ read() {} })
    silent.push(data.subarray(0, data.length / 2))
    let closing: Promise<void> | undefined
    const onProgress = ({ bytes }: ImageProgress): void => {
      if (bytes > 0) closing ??= own.closer.close()
    }
    await expect(there.load(silent, { onProgress })).rejects.toMatchObject({
      code: 'closed',
      message: expect.stringContaining('during a load'),
    })
    await closing
    expect(silent.destroyed).toBe(true)
    expect(own.leased()).toEqual(new Set())
  })

  it.each(['read', 'not read'])('ends a stream of an archive that is %s', async (how) => {
    const stream = await image.save()
    const reading = how === 'read' ? (async () => (await stream[Symbol.asyncIterator]().next()).value as unknown)() : undefined
    await reading
    await services.closer.close()
    expect(stream.closed).toBe(true)
    expect(stream.errored).toMatchObject({ code: 'closed' })
    expect(services.leased()).toEqual(new Set())
  })

  it('ends a save to a file, and waits for that', async () => {
    let closing: Promise<void> | undefined
    services.probe = (name, phase) => {
      if (name === 'save.write' && phase === 'before') closing = services.closer.close()
    }
    await expect(image.save({ path: join(directory, 'cut.tar') })).rejects.toMatchObject({ code: 'closed' })
    await closing
    expect((await readdir(directory)).filter((name) => name.includes('cut.tar'))).toEqual([])
    expect(services.leased()).toEqual(new Set())
  })
})

it('a stream of an archive that is aborted before anybody reads it fails nobody but its reader', async () => {
  const abort = new AbortController()
  const stream = await image.save({ signal: abort.signal })
  abort.abort(new Error('mine'))
  await new Promise((resolve) => void stream.once('close', resolve))
  await expect(stream.toArray()).rejects.toThrow('mine')
})
