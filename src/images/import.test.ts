import { spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf } from '../base/digest.ts'
import type { ErrorCode } from '../base/errors.ts'
import { type FakeImages, fakeImages } from './fake-services.ts'
import { Images } from './images.ts'
import type { ImageProgress } from './progress.ts'

let directory: string
let services: FakeImages
let images: Images
let tarball: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-import-'))
  services = await fakeImages(join(directory, 'store'))
  images = new Images(services)
  const rootfs = join(directory, 'rootfs')
  await mkdir(join(rootfs, 'bin'), { recursive: true })
  await writeFile(join(rootfs, 'bin/sh'), Buffer.alloc(3_000_000, 'program'))
  await symlink('sh', join(rootfs, 'bin/ash'))
  tarball = join(directory, 'rootfs.tar')
  expect(spawnSync('tar', ['-cf', tarball, '-C', rootfs, '.']).status).toBe(0)
})
afterEach(() => rm(directory, { recursive: true }))

/** Nothing listed, nothing half-made. */
async function expectNothing(): Promise<void> {
  expect(await images.list()).toEqual([])
  expect(await services.leftovers()).toEqual([])
  expect(services.events).toEqual([])
}

const refusal = (code: ErrorCode, message: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(message) })

describe('import', () => {
  it('makes a valid image of a tarball', async () => {
    const image = await images.import(tarball, {
      tag: 'mine:1',
      changes: ['CMD ["/bin/sh"]', 'ENV LANG=C', 'LABEL a=b', 'USER 1', 'WORKDIR /w', 'VOLUME /v', 'EXPOSE 80', 'STOPSIGNAL SIGINT'],
      message: 'a test',
      platform: 'linux/arm64',
    })
    const tar = await readFile(tarball)
    const info = await image.inspect()
    expect(info).toMatchObject({
      id: image.id,
      names: ['localhost/mine:1'],
      repoDigests: [`localhost/mine@${info.digest}`],
      configDigest: `sha256:${image.id}`,
      platform: { os: 'linux', architecture: 'arm64' },
      labels: { a: 'b' },
      comment: 'a test',
      config: {
        user: '1',
        env: ['LANG=C'],
        command: ['/bin/sh'],
        entrypoint: [],
        workdir: '/w',
        stopSignal: 'SIGINT',
        volumes: ['/v'],
        exposedPorts: ['80/tcp'],
      },
    })
    const digest = digestOf(tar)
    expect(info.layers).toEqual([
      { digest, diffId: digest, chainId: digest, mediaType: 'application/vnd.oci.image.layer.v1.tar', sizeBytes: tar.length },
    ])
    expect(info.history).toMatchObject([{ comment: 'a test', layer: { digest } }])
    const [layer = ''] = await services.store.snapshots.layers(digest)
    expect(await readFile(join(layer, 'bin/ash'), 'utf8')).toBe(await readFile(join(directory, 'rootfs/bin/sh'), 'utf8'))
    expect(services.events).toEqual([{ type: 'image', action: 'import', id: image.id, name: 'localhost/mine:1', attributes: {} }])
    expect(await services.leftovers()).toEqual([])
  })

  it.each([
    ['gzip', (tar: Buffer) => gzipSync(tar), '+gzip'],
    ['zstd', (tar: Buffer) => spawnSync('zstd', ['-c'], { input: tar, maxBuffer: 1 << 28 }).stdout, '+zstd'],
  ])('keeps the bytes of a %s stream as they are', async (_, compress, suffix) => {
    const tar = await readFile(tarball)
    const blob = compress(tar)
    const image = await images.import(Readable.from([blob.subarray(0, 3), blob.subarray(3)], { objectMode: false }))
    const [layer] = (await image.inspect()).layers
    expect(layer).toEqual({
      digest: digestOf(blob),
      diffId: digestOf(tar),
      chainId: digestOf(tar),
      mediaType: `application/vnd.oci.image.layer.v1.tar${suffix}`,
      sizeBytes: blob.length,
    })
    expect(await readFile((await services.store.content.open(digestOf(blob))).path)).toEqual(blob)
  })

  it('tells how far it is, and is not stopped by a listener that throws', async () => {
    const seen: ImageProgress[] = []
    await images.import(tarball, { onProgress: (progress) => void seen.push(progress) })
    const totalBytes = (await readFile(tarball)).length
    expect(seen.at(0)).toMatchObject({ phase: 'read', totalBytes })
    expect(seen.filter(({ phase }) => phase === 'read').at(-1)).toEqual({ phase: 'read', bytes: totalBytes, totalBytes })
    expect(seen.at(-1)).toEqual({ phase: 'done', bytes: totalBytes, totalBytes })

    const thrower = await images.import(tarball, {
      tag: 'thrown',
      onProgress: () => {
        throw new Error('listener')
      },
    })
    expect(await images.exists('thrown')).toBe(true)
    expect(thrower.id).toMatch(/^[0-9a-f]{64}$/)
    expect(services.warnings.filter((warning) => warning.includes('onProgress'))).toHaveLength(1)
  })

  it('moves a name from the image that had it', async () => {
    const first = await images.import(tarball, { tag: 'x' })
    const second = await images.import(tarball, { tag: 'x', message: 'other' })
    expect((await images.get('x')).id).toBe(second.id)
    expect((await first.inspect()).names).toEqual([])
  })

  it.each<[string, () => Promise<unknown>, ErrorCode, RegExp]>([
    ['a bad tag', () => images.import(tarball, { tag: 'A B' }), 'invalid-argument', /^tag: /],
    ['a bad change', () => images.import(tarball, { changes: ['RUN x'] }), 'invalid-argument', /^changes\[0\]: /],
    ['a bad platform', () => images.import(tarball, { platform: 'a/b/c/d' }), 'invalid-argument', /^platform: /],
    ['an unknown option', () => images.import(tarball, { tags: 'x' } as object), 'invalid-argument', /^tags: .*Did you mean tag/],
    ['a missing file', () => images.import(join(directory, 'no.tar')), 'not-found', /no\.tar/],
    ['a directory', () => images.import(directory), 'invalid-argument', /^source: .* directory/],
    ['a device', () => images.import('/dev/null'), 'invalid-argument', /^source: /],
    ['something else', () => images.import(3 as unknown as string), 'invalid-argument', /^source: /],
    ['no bytes', () => images.import(Readable.from([])), 'corrupt', /empty/],
    ['objects', () => images.import(Readable.from([{ a: 1 }])), 'invalid-argument', /^source: /],
    ['no tarball', () => images.import(Readable.from([Buffer.alloc(5_000, 'x')])), 'corrupt', /tarball/],
    ['bzip2', () => images.import(Readable.from([Buffer.from('BZh9abcdef')])), 'unsupported', /bzip2/],
    [
      'cut off gzip',
      async () => images.import(Readable.from([gzipSync(await readFile(tarball)).subarray(0, 2_000)])),
      'corrupt',
      /cut off/,
    ],
    ['a cut off tarball', async () => images.import(Readable.from([(await readFile(tarball)).subarray(0, 20_000)])), 'corrupt', /tarball/],
  ])('refuses %s and leaves nothing', async (_, work, code, message) => {
    await expect(work()).rejects.toEqual(refusal(code, message))
    await expectNothing()
  })

  it('fails with its source, and leaves nothing', async () => {
    const broken = new Error('the network is gone')
    const stream = Readable.from(
      (async function* () {
        yield* createReadStream(tarball, { end: 1_000_000 })
        throw broken
      })(),
    )
    await expect(images.import(stream)).rejects.toMatchObject({ code: 'corrupt', cause: broken })
    await expectNothing()
  })

  it('refuses work once the engine is closed', async () => {
    await services.closer.close()
    await expect(images.import(tarball)).rejects.toEqual(refusal('closed', /./))
  })
})

describe('a stopped import', () => {
  const steps = ['open', 'ingest', 'prepare', 'extract', 'blob', 'commit', 'config', 'manifest', 'record'].map((name) => `import.${name}`)
  const places = steps.flatMap((name) => [[name, 'before'] as const, [name, 'after'] as const])

  it.each(places.filter(([name, phase]) => name !== 'import.record' || phase === 'before'))(
    'that fails at %s (%s) leaves nothing',
    async (name, phase) => {
      let reached = 0
      services.probe = (at, when) => {
        if (at !== name || when !== phase) return
        reached++
        throw new Error('stopped here')
      }
      await expect(images.import(tarball, { tag: 'x' })).rejects.toThrow('stopped here')
      expect(reached).toBe(1)
      await expectNothing()
      services.probe = undefined
      expect(await (await images.import(tarball, { tag: 'x' })).inspect()).toMatchObject({ names: ['localhost/x:latest'] })
    },
  )

  it.each(steps.slice(0, -1))('that is aborted after %s rejects with the reason and leaves nothing', async (name) => {
    const abort = new AbortController()
    const reason = { why: 'enough' }
    services.probe = (at, when) => {
      if (at === name && when === 'after') abort.abort(reason)
    }
    await expect(images.import(tarball, { signal: abort.signal })).rejects.toBe(reason)
    await expectNothing()
  })

  it('that is aborted while its source says nothing ends at once', async () => {
    const abort = new AbortController()
    const silent = new Readable({ read() {} })
    silent.push(await readFile(tarball))
    const importing = images.import(silent, { signal: abort.signal, onProgress: ({ bytes }) => bytes > 0 && abort.abort('now') })
    await expect(importing).rejects.toBe('now')
    expect(silent.destroyed).toBe(true)
    await expectNothing()
  })

  it('that waits for its source ends when the runtime is closed, which waits for that', async () => {
    const silent = new Readable({ read() {} })
    silent.push(await readFile(tarball))
    let closing: Promise<void> | undefined
    const onProgress = ({ bytes }: { readonly bytes: number }): void => {
      if (bytes > 0) closing ??= services.closer.close()
    }
    await expect(images.import(silent, { onProgress })).rejects.toEqual(refusal('closed', /closed during an import/))
    expect(silent.destroyed).toBe(true)
    await closing
    expect(services.leased()).toEqual(new Set())
    expect(await services.leftovers()).toEqual([])
  })

  it('that was aborted before does not touch its source', async () => {
    const stream = Readable.from(['x'])
    await expect(images.import(stream, { signal: AbortSignal.abort('early') })).rejects.toBe('early')
    expect(stream.readableDidRead).toBe(false)
    stream.destroy()
  })
})
