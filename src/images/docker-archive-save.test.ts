import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run, type SavedImage, saveTestImage } from './saved-image-suite.ts'

let saved: SavedImage
beforeEach(async () => {
  saved = await saveTestImage()
})
afterEach(() => rm(saved.directory, { recursive: true }))

describe('a docker-archive that is saved', () => {
  it('comes back as the same image, and is the same archive again', async () => {
    const { image, directory, another } = saved
    const path = join(directory, 'mine.docker')
    await image.save({ format: 'docker-archive', path })
    const other = await another()
    const loaded = await other.images.load(path)
    expect(loaded.id).toBe(image.id)
    const [before, after] = [await image.inspect(), await loaded.inspect()]
    expect(after).toMatchObject({ names: before.names, config: before.config })
    expect(after.layers.map(({ diffId, mediaType }) => `${diffId} ${mediaType}`)).toEqual(
      before.layers.map(({ diffId }) => `${diffId} application/vnd.oci.image.layer.v1.tar`),
    )
    const again = join(directory, 'again.docker')
    await loaded.save({ format: 'docker-archive', path: again })
    expect(await readFile(again)).toEqual(await readFile(path))
    expect(await other.services.leftovers()).toEqual([])
  })

  it('is read by other programs', async () => {
    const { image, directory } = saved
    const path = join(directory, 'mine.docker')
    await image.save({ format: 'docker-archive', path })
    const config: unknown = JSON.parse(run('skopeo', 'inspect', '--config', `docker-archive:${path}:localhost/mine:1`).stdout.toString())
    expect(config).toMatchObject({ config: { Cmd: ['/bin/sh'] } })
    const copy = join(directory, 'copy')
    run('skopeo', 'copy', '--insecure-policy', `docker-archive:${path}`, `oci:${copy}:x`)
    run('umoci', 'unpack', '--rootless', '--image', `${copy}:x`, join(directory, 'bundle'))
    expect(await readFile(join(directory, 'bundle/rootfs/etc/os-release'), 'utf8')).toBe('ID=test\n')
  })

  it('holds a layer once that several images have', async () => {
    const { images, directory, tarOf } = saved
    const tar = await tarOf({ shared: 'x'.repeat(100_000) })
    await images.import(Readable.from([gzipSync(tar)]), { tag: 'one' })
    await images.import(Readable.from([tar]), { tag: 'two' })
    const path = join(directory, 'both.docker')
    await images.save(['one', 'two'], { format: 'docker-archive', path })
    const names = run('tar', '-tf', path).stdout.toString().trim().split('\n')
    expect(names.filter((name) => name.endsWith('.tar'))).toHaveLength(1)
    const other = await saved.another()
    expect(await other.images.loadAll(path)).toHaveLength(2)
  })

  it('is a stream as well, and ends with an abort', async () => {
    const { image } = saved
    const abort = new AbortController()
    const stream = await image.save({ format: 'docker-archive', signal: abort.signal })
    const reason = new Error('mine')
    const reading = (async () => {
      for await (const _ of stream) abort.abort(reason)
    })()
    await expect(reading).rejects.toBe(reason)
    expect(await saved.services.leftovers()).toEqual([])
  })

  it('of a layer that was damaged in the store is not written', async () => {
    const { image, services, directory } = saved
    const [layer] = (await image.inspect()).layers
    const { path } = await services.store.content.open(layer?.digest ?? 'sha256:')
    const { overwrite } = await import('./fake-services.ts')
    await overwrite(path, (data) => gzipSync(Buffer.concat([data, Buffer.of(1)])))
    const target = join(directory, 'bad.docker')
    await expect(image.save({ format: 'docker-archive', path: target })).rejects.toMatchObject({ code: 'corrupt' })
    await expect(readFile(target)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
