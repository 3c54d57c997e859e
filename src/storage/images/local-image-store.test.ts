import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Registry } from '../../state/registry.ts'
import type { KindDefinition } from '../../state/registry-types.ts'
import type { StateStore } from '../../state/state-store.ts'
import { openLmdbStore } from '../../state/stores/lmdb.ts'
import { createMemoryStore } from '../../state/stores/memory.ts'
import { openContentStore } from '../content/local-content-store.ts'
import { imageStoreCases } from '../image-store.cases.ts'
import type { ImageRecord, ImageStore } from '../image-store.ts'
import { openOverlaySnapshotter } from '../snapshots/overlay/overlay-snapshotter.ts'
import { directTreeWork } from '../test-support/direct-tree-work.ts'
import { imageKind, keptBy } from './image-kind.ts'
import { openImageStore } from './local-image-store.ts'

const userKind: KindDefinition = { kind: 'container', nameScope: 'container', format: 1 }
let directory = ''
let state: StateStore

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-images-'))
})

afterEach(async () => {
  await state.close()
  await rm(directory, { recursive: true })
})

async function openStore(onDamaged?: (id: string) => void): Promise<{ store: ImageStore; registry: Registry }> {
  const registry = new Registry(state, { kinds: [imageKind, userKind] })
  const store = openImageStore({
    registry,
    content: await openContentStore({ root: join(directory, 'content') }),
    snapshots: openOverlaySnapshotter({ root: join(directory, 'snapshots'), work: directTreeWork }),
    ...(onDamaged === undefined ? {} : { onDamaged }),
  })
  return { store, registry }
}

function testImageStore(name: string, openState: () => StateStore | Promise<StateStore>): void {
  describe(name, () => {
    beforeEach(async () => {
      state = await openState()
    })

    for (const { name: title, run } of imageStoreCases) {
      it(title, () => {
        let users = 0
        return run({
          open: async () => (await openStore()).store,
          async use(id) {
            const { registry } = await openStore()
            const user = `user${++users}`
            await registry.create('container', { id: user, names: [], links: [`image/${id}`], body: null, summary: null })
            return async () => void (await registry.remove('container', user))
          },
        })
      })
    }
  })
}

testImageStore('images on lmdb', () => openLmdbStore({ path: join(directory, 'state.mdb') }))
testImageStore('images in memory', createMemoryStore)

describe('local image store', () => {
  const image: ImageRecord = {
    id: 'a'.repeat(64),
    names: ['localhost/a:1'],
    manifest: { digest: 'sha256:m', mediaType: 'manifest', sizeBytes: 1 },
    config: { digest: 'sha256:c', mediaType: 'config', sizeBytes: 1 },
    layers: [{ digest: 'sha256:l', diffId: 'sha256:d', chainId: 'sha256:x', mediaType: 'layer', sizeBytes: 1 }],
    repoDigests: [],
    createdAt: '2024-01-01T00:00:00Z',
    sizeBytes: 1,
    runConfig: {},
    platform: { os: 'linux', architecture: 'amd64' },
    labels: {},
  }

  beforeEach(() => {
    state = createMemoryStore()
  })

  it('leaves a damaged image out of lists and tells of it', async () => {
    const damaged: string[] = []
    const { store } = await openStore((id) => damaged.push(id))
    await store.put(image)
    await store.put({ ...image, id: 'b'.repeat(64), names: [] })
    await store.put({ ...image, id: 'c'.repeat(64), names: [] })
    await state.commit({ puts: [{ key: `object/image/${'b'.repeat(64)}`, value: 'rubbish' }] })
    expect((await store.list()).map(({ id }) => id[0])).toEqual(['a', 'c'])
    // A page must not look as if it were the last because of it.
    expect((await store.list({ limit: 2 })).map(({ id }) => id[0])).toEqual(['a', 'c'])
    expect(new Set(damaged)).toEqual(new Set(['b'.repeat(64)]))
    await expect(store.get({ id: 'b'.repeat(64) })).rejects.toMatchObject({ code: 'corrupt' })
    await store.remove('b'.repeat(64))
    expect(await store.list()).toHaveLength(2)
  })

  it('tells the collector what an image keeps, without reading the image', async () => {
    const { store, registry } = await openStore()
    await store.put(image)
    const [summary] = await registry.list('image')
    expect(summary && keptBy(summary)).toEqual({ blobs: ['sha256:m', 'sha256:c', 'sha256:l'], snapshots: ['sha256:x'] })
    expect(() => keptBy({ id: image.id, names: [], summary: null })).toThrow('cannot be read')
  })
})
