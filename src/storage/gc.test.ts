import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Digest, digestOf, splitDigest } from '../base/digest.ts'
import { createOwner, type Owner } from '../locks/owners.ts'
import { Registry } from '../state/registry.ts'
import type { StateStore } from '../state/state-store.ts'
import { createMemoryStore } from '../state/stores/memory.ts'
import { openContentStore } from './content/local-content-store.ts'
import { type CollectorParts, collectGarbage } from './gc.ts'
import type { ImageLayer, ImageRecord, ImageStore } from './image-store.ts'
import { imageKind } from './images/image-kind.ts'
import { openImageStore } from './images/local-image-store.ts'
import { Leases } from './leases.ts'
import type { LocalSnapshotter } from './snapshots/directory-snapshotter.ts'
import { openOverlaySnapshotter } from './snapshots/overlay/overlay-snapshotter.ts'
import { directTreeWork } from './test-support/direct-tree-work.ts'

let directory = ''
let owner: Owner
let state: StateStore
let live: StateStore
let images: ImageStore
let snapshots: LocalSnapshotter
let parts: CollectorParts

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-gc-'))
  owner = await createOwner(join(directory, 'owners'))
  ;[state, live] = [createMemoryStore(), createMemoryStore()]
  const registry = new Registry(state, { kinds: [imageKind] })
  const content = await openContentStore({ root: join(directory, 'content') })
  snapshots = openOverlaySnapshotter({ root: join(directory, 'snapshots'), work: directTreeWork })
  images = openImageStore({ registry, content, snapshots })
  parts = { content, snapshots, registry, leases: leasesOf(owner) }
})

afterEach(async () => {
  await snapshots.settled()
  owner.release()
  await rm(directory, { recursive: true })
})

function leasesOf({ id }: Owner): Leases {
  return new Leases({ store: live, owners: join(directory, 'owners'), owner: id })
}

async function addBlob(text: string): Promise<Digest> {
  const digest = digestOf(text)
  await using ingest = await parts.content.ingest({ reference: digest, digest })
  await ingest.write(Buffer.from(text))
  await ingest.commit()
  return digest
}

/** A committed snapshot with one file of so many bytes. */
async function addSnapshot(name: string, { parent, bytes = 10 }: { parent?: string; bytes?: number } = {}): Promise<void> {
  await snapshots.prepare(`active-${name}`, parent === undefined ? {} : { parent })
  const { path } = await snapshots.extractTarget(`active-${name}`)
  await writeFile(join(path, 'file'), 'x'.repeat(bytes))
  await snapshots.commit(name, `active-${name}`)
}

/** An image of so many layers, with everything that belongs to it. */
async function addImage(name: string, depth = 2): Promise<ImageRecord> {
  const layers: ImageLayer[] = []
  for (let at = 0; at < depth; at++) {
    const digest = await addBlob(`layer ${at} of ${name}`)
    const chainId = digestOf(`chain ${at} of ${name}`)
    await addSnapshot(chainId, { ...(at === 0 ? {} : { parent: layers[at - 1]?.chainId ?? '' }) })
    layers.push({ digest, diffId: digest, chainId, mediaType: 'layer', sizeBytes: 1 })
  }
  const config = await addBlob(`config of ${name}`)
  return images.put({
    id: splitDigest(config).hex,
    names: [name],
    manifest: { digest: await addBlob(`manifest of ${name}`), mediaType: 'manifest', sizeBytes: 1 },
    config: { digest: config, mediaType: 'config', sizeBytes: 1 },
    layers,
    repoDigests: [],
    createdAt: '2024-01-01T00:00:00Z',
    sizeBytes: 1,
    runConfig: {},
    platform: { os: 'linux', architecture: 'amd64' },
    labels: {},
  })
}

async function contents(): Promise<{ blobs: number; snapshots: string[]; ingests: string[] }> {
  const found = { blobs: 0, snapshots: [] as string[], ingests: [] as string[] }
  for await (const _ of parts.content.list()) found.blobs++
  for await (const { name } of snapshots.list()) found.snapshots.push(name)
  for await (const { reference } of parts.content.ingests()) found.ingests.push(reference)
  return found
}

const nothing = { blobs: 0, snapshots: 0, ingests: 0, reclaimedBytes: 0 }

describe('collecting garbage', () => {
  it('takes what no image names and tells how much that was', async () => {
    const kept = await addImage('kept')
    const gone = await addImage('gone', 40)
    expect(await collectGarbage(parts)).toEqual(nothing)
    await images.remove(gone.id)
    const report = await collectGarbage(parts)
    const blobBytes = Buffer.from('config of gonemanifest of gone').length + 40 * 'layer 0 of gone'.length + 30
    expect(report).toEqual({ blobs: 42, snapshots: 40, ingests: 0, reclaimedBytes: blobBytes + 400 })
    const left = await contents()
    expect(left.blobs).toBe(4)
    expect(left.snapshots.sort()).toEqual(kept.layers.map(({ chainId }) => chainId).sort())
    expect(await collectGarbage(parts)).toEqual(nothing)
    await snapshots.settled()
    expect(await readdir(join(directory, 'snapshots/trash'))).toEqual([])
    expect(await live.list('')).toEqual([])
  })

  it('keeps what leases of the living name, and takes what those of the dead do', async () => {
    const dead = await createOwner(join(directory, 'owners'))
    const [own, theirs] = [await addBlob('own'), await addBlob('theirs')]
    await addSnapshot(own)
    await addSnapshot(theirs)
    void leasesOf(dead).with(async (lease) => {
      await lease.add({ digests: [theirs], snapshots: [theirs] })
      await new Promise(() => {})
    })
    await expect.poll(() => live.list('lease/')).toHaveLength(2)
    await parts.leases.with(async (lease) => {
      await lease.add({ digests: [own], snapshots: [own] })
      expect(await collectGarbage(parts)).toEqual(nothing)
      dead.release()
      expect(await collectGarbage(parts)).toMatchObject({ blobs: 1, snapshots: 1 })
      expect(await contents()).toMatchObject({ blobs: 1, snapshots: [own] })
    })
    expect(await collectGarbage(parts)).toMatchObject({ blobs: 1, snapshots: 1 })
    expect(await live.list('')).toEqual([])
  })

  it('takes half-made layers and leaves the root file systems of containers, with what they stand on', async () => {
    await addSnapshot('base')
    await addSnapshot('top', { parent: 'base' })
    await snapshots.prepare('0123', { parent: 'top' })
    await snapshots.prepare('import-1')
    await snapshots.prepare('import-2')
    await snapshots.prepare('extract-3', { parent: 'base' })
    await parts.leases.with(async (lease) => {
      await lease.add({ snapshots: ['import-2'] })
      expect(await collectGarbage(parts, { halfMadeOnly: true })).toEqual({ ...nothing, snapshots: 2 })
      expect((await contents()).snapshots.sort()).toEqual(['0123', 'base', 'import-2', 'top'])
      // The layers belong to no image, but somebody stands on them.
      expect(await collectGarbage(parts)).toEqual(nothing)
    })
    await snapshots.remove('0123')
    expect(await collectGarbage(parts)).toMatchObject({ snapshots: 3 })
  })

  it('forgets ingests that nobody can go on with, and old ones', async () => {
    const digests = ['young', 'old', 'leased', 'empty', 'open'].map((text) => digestOf(text))
    const references = [...digests, 'import-1', 'unnamed-2', 'import-open']
    for (const reference of references) {
      await using ingest = await parts.content.ingest({ reference })
      if (reference !== digestOf('empty')) await ingest.write(Buffer.from('12345'))
    }
    for (const text of ['old', 'leased']) {
      const path = join(directory, 'content/ingest', `${digestOf(text)}.part`)
      await utimes(path, new Date(0), new Date(0))
    }
    await using _open = await parts.content.ingest({ reference: digestOf('open') })
    await using _import = await parts.content.ingest({ reference: 'import-open' })
    await parts.leases.with(async (lease) => {
      await lease.add({ digests: [digestOf('leased')] })
      expect(await collectGarbage(parts)).toEqual({ ...nothing, ingests: 4, reclaimedBytes: 15 })
    })
    const left = [...['young', 'leased', 'open'].map((text) => digestOf(text)), 'import-open']
    expect((await contents()).ingests.sort()).toEqual(left.sort())
  })

  it('takes nothing while it cannot tell what an image needs, but still what is half made', async () => {
    const image = await addImage('image')
    await addBlob('garbage')
    await snapshots.prepare('import-1')
    await state.commit({ puts: [{ key: `summary/image/${image.id}`, value: { names: [], summary: 'rubbish' } }] })
    await expect(collectGarbage(parts)).rejects.toMatchObject({ code: 'corrupt', details: { what: `image/${image.id}` } })
    expect(await contents()).toMatchObject({ blobs: 5 })
    expect(await collectGarbage(parts, { halfMadeOnly: true })).toEqual({ ...nothing, snapshots: 1 })
    await images.remove(image.id)
    expect(await collectGarbage(parts)).toMatchObject({ blobs: 5, snapshots: 2 })
  })

  it('stops at an abort and leaves nothing condemned', async () => {
    for (let at = 0; at < 40; at++) await addBlob(`blob ${at}`)
    const aborting = new AbortController()
    const { content } = parts
    const reason = new Error('enough')
    let removed = 0
    const slow: CollectorParts = {
      ...parts,
      content: {
        ...content,
        async delete(digest) {
          await content.delete(digest)
          if (++removed === 20) aborting.abort(reason)
        },
      },
    }
    await expect(collectGarbage(slow, { signal: aborting.signal })).rejects.toBe(reason)
    const { blobs } = await contents()
    expect(blobs).toBeGreaterThan(0)
    expect(blobs).toBe(40 - removed)
    expect(await live.list('')).toEqual([])
    expect(await collectGarbage(parts)).toMatchObject({ blobs })
  })

  it('works next to another collector', async () => {
    const other = await createOwner(join(directory, 'owners'))
    for (let at = 0; at < 60; at++) await addBlob(`blob ${at}`)
    const reports = await Promise.all([collectGarbage(parts), collectGarbage({ ...parts, leases: leasesOf(other) })])
    other.release()
    expect(await collectGarbage(parts)).toMatchObject({ snapshots: 0 })
    expect((await contents()).blobs).toBe(0)
    expect(reports[0].blobs).toBeGreaterThan(0)
    expect(await live.list('')).toEqual([])
  })

  it('takes a layer whose description is damaged', async () => {
    await addSnapshot('base')
    const [id = ''] = await readdir(join(directory, 'snapshots/committed'))
    await writeFile(join(directory, 'snapshots/committed', id, 'committed.json'), '')
    expect((await contents()).snapshots).toEqual([`damaged-${id}`])
    expect(await collectGarbage(parts)).toMatchObject({ snapshots: 1 })
    expect((await contents()).snapshots).toEqual([])
    await snapshots.settled()
    expect(await readdir(join(directory, 'snapshots/committed'))).toEqual([])
  })
})
