import assert from 'node:assert/strict'
import { type Digest, digestOf, splitDigest } from '../base/digest.ts'
import { type ErrorCode, isLibpodError } from '../base/errors.ts'
import type { ImageRecord, ImageStore } from './image-store.ts'

/** What a conformance case works with. Every case gets a place of its own. @public */
export interface ImageStoreCaseContext {
  /** Opens the store of the case's place, once more at every call; the case closes what it opens. */
  open(): Promise<ImageStore>
  /** Makes somebody use an image, until the result is called. Rejects with `not-found` if there is no such image. */
  use(id: string): Promise<() => Promise<void>>
}

/** One conformance case of the contract {@link ImageStore}. @public */
export interface ImageStoreCase {
  readonly name: string
  run(context: ImageStoreCaseContext): Promise<void>
}

/** The record of an image that is made up from a text. */
function imageOf(text: string, names: readonly string[] = []): ImageRecord {
  const config = digestOf(`config of ${text}`)
  const diffId = digestOf(`layer of ${text}`)
  return {
    id: splitDigest(config).hex,
    names,
    manifest: { digest: digestOf(`manifest of ${text}`), mediaType: 'application/vnd.oci.image.manifest.v1+json', sizeBytes: 7 },
    config: { digest: config, mediaType: 'application/vnd.oci.image.config.v1+json', sizeBytes: 7 },
    layers: [{ digest: digestOf(`blob of ${text}`), diffId, chainId: diffId, mediaType: 'layer', sizeBytes: 7 }],
    topChainId: diffId,
    repoDigests: [`localhost/${text}@${digestOf(text)}`],
    createdAt: '2024-02-29T12:00:00.123456789Z',
    sizeBytes: 2 ** 40,
    runConfig: { command: ['/bin/sh', '-c', 'echo "ü"'], env: ['A=\u0000'] },
    platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
    labels: { '': '', 'a.b/c': '"' },
  }
}

function storeCase(name: string, body: (store: ImageStore, context: ImageStoreCaseContext) => Promise<void>): ImageStoreCase {
  return {
    name,
    async run(context) {
      const store = await context.open()
      try {
        await body(store, context)
      } finally {
        await store.close()
      }
    },
  }
}

async function assertCode(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => isLibpodError(error) && error.code === code)
}

async function versionOf(store: ImageStore, id: string): Promise<string> {
  const { version } = (await store.get({ id })) ?? {}
  assert.ok(version)
  return version
}

/** Who holds each name, after looking both ways that names and holders agree. */
async function holders(store: ImageStore): Promise<Record<string, string>> {
  const held: Record<string, string> = {}
  for (const { id, names } of await store.list()) {
    for (const name of names) {
      assert.equal(held[name], undefined, `${name} is held twice`)
      held[name] = id
      assert.equal((await store.get({ name }))?.id, id)
    }
  }
  return held
}

const a = imageOf('a', ['localhost/a:1', 'localhost/a:2'])
const b = imageOf('b', ['localhost/b:1'])
const missing: Digest = digestOf('missing')

/** The conformance cases of the contract {@link ImageStore}. @public */
export const imageStoreCases: readonly ImageStoreCase[] = [
  storeCase('gives back what was put, by id and by name', async (store) => {
    const written = await store.put(a)
    const { version, ...plain } = written
    assert.ok(version)
    assert.deepEqual(plain, a)
    assert.deepEqual(await store.get({ id: a.id }), written)
    for (const name of a.names) assert.deepEqual(await store.get({ name }), written)
    assert.deepEqual(await store.list(), [written])
  }),
  storeCase('knows nothing of what is not there', async (store) => {
    await store.put(a)
    assert.equal(await store.get({ id: b.id }), undefined)
    // What could be taken for the beginning of an id is still only a name.
    for (const name of ['localhost/b:1', a.id, a.id.slice(0, 12), a.id.slice(0, 1), 'localhost/a', ''])
      assert.equal(await store.get({ name }), undefined)
    await assertCode(store.remove(b.id), 'not-found')
    assert.deepEqual(await store.list({ after: 'f'.repeat(64) }), [])
  }),
  storeCase('changes a record and gives it a new version, also when nothing is different', async (store) => {
    const first = await store.put(a)
    const second = await store.put({ ...first, labels: { new: 'label' } })
    const third = await store.put(second)
    assert.equal(new Set([first.version, second.version, third.version]).size, 3)
    assert.deepEqual((await store.get({ id: a.id }))?.labels, { new: 'label' })
  }),
  storeCase('writes only over what was expected', async (store) => {
    await assertCode(store.put(a, { expect: 'some version' }), 'conflict')
    const first = await store.put(a, { expect: 'absent' })
    await assertCode(store.put(a, { expect: 'absent' }), 'conflict')
    const version = first.version ?? ''
    await store.put({ ...a, names: [] }, { expect: version })
    await assertCode(store.put(a, { expect: version }), 'conflict')
    await assertCode(store.remove(a.id, { expect: version }), 'conflict')
    assert.deepEqual((await store.get({ id: a.id }))?.names, [])
    await store.remove(a.id, { expect: await versionOf(store, a.id) })
    await assertCode(store.put(a, { expect: version }), 'conflict')
    assert.deepEqual(await store.list(), [])
  }),
  storeCase('never uses a version again', async (store) => {
    const versions = new Set<string>()
    for (let round = 0; round < 5; round++) {
      versions.add((await store.put(a)).version ?? '')
      await store.remove(a.id)
    }
    assert.equal(versions.size, 5)
  }),
  storeCase('moves a name that another image holds', async (store) => {
    await store.put(a)
    await store.put(b)
    const before = await versionOf(store, a.id)
    await store.put({ ...b, names: ['localhost/b:1', 'localhost/a:2'] })
    assert.deepEqual(await holders(store), { 'localhost/a:1': a.id, 'localhost/a:2': b.id, 'localhost/b:1': b.id })
    // Who read the image before it lost a name must not write it back.
    await assertCode(store.put(a, { expect: before }), 'conflict')
    await assertCode(store.remove(a.id, { expect: before }), 'conflict')
  }),
  storeCase('gives up names that a record no longer has', async (store) => {
    await store.put(a)
    await store.put({ ...a, names: ['localhost/a:2', 'localhost/a:3'] })
    assert.deepEqual(await holders(store), { 'localhost/a:2': a.id, 'localhost/a:3': a.id })
    assert.equal(await store.get({ name: 'localhost/a:1' }), undefined)
  }),
  storeCase('frees the names of a removed image', async (store) => {
    await store.put(a)
    await store.remove(a.id)
    assert.equal(await store.get({ name: 'localhost/a:1' }), undefined)
    await store.put({ ...b, names: a.names }, { expect: 'absent' })
    assert.deepEqual(Object.keys(await holders(store)), [...a.names])
  }),
  storeCase('leaves everything as it is when it refuses', async (store) => {
    await store.put(a)
    await store.put(b)
    await assertCode(store.put({ ...b, names: a.names }, { expect: 'not this' }), 'conflict')
    assert.deepEqual(await holders(store), { 'localhost/a:1': a.id, 'localhost/a:2': a.id, 'localhost/b:1': b.id })
  }),
  storeCase('lists in the order of ids, a page at a time', async (store) => {
    const images = Array.from({ length: 25 }, (_, at) => imageOf(`image ${at}`, [`localhost/image:${at}`]))
    for (const image of images) await store.put(image)
    const ids = images.map(({ id }) => id).sort()
    assert.deepEqual(
      (await store.list()).map(({ id }) => id),
      ids,
    )
    const paged: string[] = []
    for (let page = await store.list({ limit: 10 }); page.length > 0; page = await store.list({ limit: 10, after: paged.at(-1) ?? '' }))
      paged.push(...page.map(({ id }) => id))
    assert.deepEqual(paged, ids)
    const prefix = ids[3]?.slice(0, 8) ?? ''
    assert.equal((await store.list({ after: prefix, limit: 1 }))[0]?.id, ids[3])
  }),
  storeCase('does not remove an image that is used', async (store, { use }) => {
    await store.put(a)
    const release = await use(a.id)
    await assert.rejects(
      store.remove(a.id, { expect: await versionOf(store, a.id) }),
      (error) => isLibpodError(error, 'in-use') && error.details.users.length === 1 && error.details.ref === a.id,
    )
    // Using an image changes nothing else about it.
    await store.put({ ...a, names: [] })
    await release()
    await store.remove(a.id)
    await assertCode(use(a.id), 'not-found')
  }),
  storeCase('lets either the removal or the use win, never both', async (store, { use }) => {
    for (let round = 0; round < 20; round++) {
      await store.put(a)
      const [used, removed] = await Promise.allSettled([use(a.id), store.remove(a.id)])
      assert.notEqual(used.status, removed.status)
      if (used.status === 'fulfilled') await used.value()
    }
  }),
  storeCase('shows what another store of the same place writes', async (store, { open }) => {
    const other = await open()
    try {
      const written = await other.put(a)
      assert.deepEqual(await store.get({ name: 'localhost/a:1' }), written)
      await store.remove(a.id, { expect: written.version ?? '' })
      assert.equal(await other.get({ id: a.id }), undefined)
    } finally {
      await other.close()
    }
  }),
  storeCase('has one holder of a name when many take it at once', async (store, { open }) => {
    const other = await open()
    try {
      const images = Array.from({ length: 12 }, (_, at) => imageOf(`image ${at}`))
      const name = 'localhost/wanted:1'
      await Promise.all(
        images.map(async (image, at) => {
          const own = at % 2 === 0 ? store : other
          for (let round = 0; round < 5; round++) {
            await own.put({ ...image, names: [name, `localhost/image:${at}`] })
            // It went from hand to hand, and was never nobody's.
            assert.ok(await own.get({ name }))
          }
        }),
      )
      const held = await holders(store)
      assert.equal(Object.keys(held).length, 13)
    } finally {
      await other.close()
    }
  }),
  storeCase('swaps names without a moment in which one is nobody’s', async (store) => {
    const [one, two] = [imageOf('one'), imageOf('two')]
    await store.put({ ...one, names: ['localhost/x:1', 'localhost/y:1'] })
    await store.put(two)
    let over = false
    const look = async (): Promise<void> => {
      while (!over) {
        assert.ok(await store.get({ name: 'localhost/x:1' }))
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const swap = async (): Promise<void> => {
      try {
        for (let round = 0; round < 30; round++) await store.put({ ...(round % 2 === 0 ? two : one), names: ['localhost/x:1'] })
      } finally {
        over = true
      }
    }
    await Promise.all([look(), swap()])
  }),
  {
    name: 'can be closed twice, and does nothing afterwards',
    async run({ open }) {
      const store = await open()
      await store.put(a)
      await store.close()
      await store.close()
      await assertCode(store.get({ id: a.id }), 'closed')
      await assertCode(store.put(a), 'closed')
      const again = await open()
      assert.equal((await again.get({ id: a.id }))?.id, a.id)
      assert.equal(await again.content.stat(missing), undefined)
      await again.close()
    },
  },
]
