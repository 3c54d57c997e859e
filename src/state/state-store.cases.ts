import assert from 'node:assert/strict'
import { isLibpodError } from '../base/errors.ts'
import type { StateStoreCase, StateStoreCaseContext } from './state-store.case-types.ts'
import { sharedStateStoreCases } from './state-store.shared-cases.ts'
import type { Json, StateStore } from './state-store.ts'

/** Asserts that a promise rejects with an error of this code. */
export async function assertRejects(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isLibpodError(error), `expected a LibpodError, got ${String(error)}`)
    assert.equal(error.code, code)
    return true
  })
}

function storeCase(name: string, body: (store: StateStore, context: StateStoreCaseContext) => Promise<void>): StateStoreCase {
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

async function keysOf(store: StateStore, prefix: string, after?: string, limit?: number): Promise<string[]> {
  const options = { ...(after === undefined ? {} : { after }), ...(limit === undefined ? {} : { limit }) }
  return (await store.list(prefix, options)).map(({ key }) => key)
}

const singleProcessCases: readonly StateStoreCase[] = [
  storeCase('gives back what was put, with its version, in the order asked for', async (store) => {
    const value = { text: 'ä€😀 "quoted"\n', number: -1.5e300, list: [null, true, { deep: [] }], empty: {} }
    const versions = await store.commit({
      puts: [
        { key: 'a', value },
        { key: 'b', value: null },
      ],
    })
    assert.equal(versions.length, 2)
    assert.notEqual(versions[0], versions[1])
    assert.deepEqual(await store.get(['b', 'missing', 'a']), [
      { key: 'b', value: null, version: versions[1] },
      undefined,
      { key: 'a', value, version: versions[0] },
    ])
    assert.deepEqual(await store.get([]), [])
  }),
  storeCase('overwrites and deletes', async (store) => {
    const [first] = await store.commit({ puts: [{ key: 'a', value: 1 }] })
    const [second] = await store.commit({ puts: [{ key: 'a', value: 2 }] })
    assert.notEqual(first, second)
    assert.equal((await store.get(['a']))[0]?.value, 2)
    assert.deepEqual(await store.commit({ deletes: ['a', 'never-there'] }), [])
    assert.deepEqual(await store.get(['a']), [undefined])
  }),
  storeCase('keeps its values apart from the objects of its callers', async (store) => {
    const value = { list: [1] }
    await store.commit({ puts: [{ key: 'a', value }] })
    value.list.push(2)
    const [entry] = await store.get(['a'])
    assert.ok(entry)
    assert.deepEqual(entry.value, { list: [1] })
    const { list } = entry.value as { list: number[] }
    list.push(3)
    assert.deepEqual((await store.get(['a']))[0]?.value, { list: [1] })
  }),
  storeCase('a failed check changes nothing at all', async (store) => {
    const [version] = await store.commit({ puts: [{ key: 'a', value: 1 }] })
    const change = { puts: [{ key: 'b', value: 1 }], deletes: ['a'] }
    for (const check of [
      { key: 'a', exists: false },
      { key: 'b', exists: true },
      { key: 'a', version: `${version}0` },
      { key: 'b', version: version ?? '' },
      { prefix: 'a', exists: false } as const,
      { prefix: '', exists: false } as const,
    ])
      await assertRejects(store.commit({ checks: [{ key: 'a', exists: true }, check], ...change }), 'conflict')
    assert.deepEqual(await keysOf(store, ''), ['a'])
    assert.equal((await store.get(['a']))[0]?.version, version)
  }),
  storeCase('checks that hold let the change through', async (store) => {
    const [version] = await store.commit({ puts: [{ key: 'dir/a', value: 1 }] })
    await store.commit({
      checks: [
        { key: 'dir/a', version: version ?? '' },
        { key: 'dir/a', exists: true },
        { key: 'dir/b', exists: false },
        { prefix: 'dir/aa', exists: false },
        { prefix: 'dir0', exists: false },
      ],
      puts: [{ key: 'dir/b', value: 2 }],
      deletes: ['dir/a'],
    })
    assert.deepEqual(await keysOf(store, 'dir/'), ['dir/b'])
  }),
  storeCase('a prefix ends where the next text begins', async (store) => {
    const keys = ['link/a', 'link/a/', 'link/a/x', 'link/a0', 'link/a\u{10ffff}', 'link/b']
    await store.commit({ puts: keys.map((key) => ({ key, value: null })) })
    assert.deepEqual(await keysOf(store, 'link/a/'), ['link/a/', 'link/a/x'])
    assert.deepEqual(await keysOf(store, 'link/a\u{10ffff}'), ['link/a\u{10ffff}'])
    await store.commit({ deletes: ['link/a/', 'link/a/x'] })
    await store.commit({ checks: [{ prefix: 'link/a/', exists: false }] })
  }),
  storeCase('never uses a version again, not even after delete and put', async (store) => {
    const seen = new Set<string>()
    for (let round = 0; round < 20; round++) {
      const [version = ''] = await store.commit({ puts: [{ key: 'a', value: 'same' }] })
      assert.ok(!seen.has(version), `version ${version} came twice`)
      seen.add(version)
      await store.commit({ deletes: ['a'] })
    }
    const [old = ''] = seen
    await store.commit({ puts: [{ key: 'a', value: 'same' }] })
    await assertRejects(store.commit({ checks: [{ key: 'a', version: old }], deletes: ['a'] }), 'conflict')
  }),
  storeCase('orders keys by their UTF-8 bytes', async (store) => {
    const ascii = ['\u0001', '\n', ' ', '0', 'A', 'a', 'a\u0000', 'a\u0000b', 'a/', 'aa', 'z', '\u007f']
    const keys = [...ascii, '\u00e9', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\ufffd', '\u{10000}', '\u{1f600}', '\u{10ffff}']
    const shuffled = keys.map((_, at) => keys[(at * 8 + 3) % keys.length] ?? '')
    assert.equal(new Set(shuffled).size, keys.length)
    await store.commit({ puts: shuffled.map((key) => ({ key, value: null })) })
    const expected = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    assert.deepEqual(await keysOf(store, ''), expected)
    assert.deepEqual(await keysOf(store, 'a'), ['a', 'a\u0000', 'a\u0000b', 'a/', 'aa'])
    assert.deepEqual(await keysOf(store, '', 'a'), expected.slice(expected.indexOf('a') + 1))
  }),
  storeCase('lists in pages, whatever is written in between', async (store) => {
    const name = (at: number): string => `p/${String(at).padStart(4, '0')}`
    await store.commit({ puts: Array.from({ length: 250 }, (_, at) => ({ key: name(at), value: at })) })
    await store.commit({
      puts: [
        { key: 'o', value: null },
        { key: 'q', value: null },
      ],
    })
    const seen: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await keysOf(store, 'p/', after, 100)
      seen.push(...page)
      after = page.at(-1)
      if (page.length < 100) break
      await store.commit({ deletes: [after ?? ''], puts: [{ key: 'p/', value: 'behind us' }] })
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 250 }, (_, at) => name(at)),
    )
    assert.deepEqual(await keysOf(store, 'p/', 'p/0249'), [])
    assert.deepEqual(await keysOf(store, 'p/', 'a', 2), ['p/', 'p/0000'])
    assert.deepEqual(await keysOf(store, 'p/', 'z'), [])
    assert.deepEqual(await keysOf(store, 'nothing/'), [])
  }),
  storeCase('gives pages of 1,000 unless told otherwise', async (store) => {
    await store.commit({ puts: Array.from({ length: 1001 }, (_, at) => ({ key: `k${String(at).padStart(4, '0')}`, value: null })) })
    assert.equal((await store.list('k')).length, 1000)
    assert.equal((await store.list('k', { limit: 2000 })).length, 1001)
    assert.equal((await store.list('k', { limit: 0 })).length, 0)
  }),
  storeCase('keeps keys of 400 bytes and values of megabytes', async (store) => {
    const longest = 'é'.repeat(200)
    const value = { text: 'x'.repeat(3_000_000), list: Array.from({ length: 10_000 }, (_, at) => at) }
    await store.commit({ puts: [{ key: longest, value }] })
    assert.deepEqual((await store.get([longest]))[0]?.value, value)
    assert.deepEqual((await store.list('é'))[0]?.value, value)
  }),
  storeCase('commits 500 keys at once', async (store) => {
    const puts = Array.from({ length: 500 }, (_, at) => ({ key: `many/${at}`, value: { at, text: 'x'.repeat(500) } }))
    assert.equal(new Set(await store.commit({ puts })).size, 500)
    assert.equal((await store.list('many/')).length, 500)
    await store.commit({ deletes: puts.map(({ key }) => key) })
    assert.equal((await store.list('many/')).length, 0)
  }),
  storeCase('refuses what it could not keep, and then has written nothing', async (store) => {
    const good = { key: 'good', value: 1 }
    const bad: Json = undefined as unknown as Json
    for (const puts of [
      [good, { key: '', value: 1 }],
      [good, { key: 'x'.repeat(401), value: 1 }],
      [good, { key: 'é'.repeat(201), value: 1 }],
      [good, { key: 'half \ud800', value: 1 }],
      [good, { key: 'a', value: bad }],
      [good, good],
    ])
      await assertRejects(store.commit({ puts }), 'invalid-argument')
    await assertRejects(store.commit({ puts: [good], deletes: ['good'] }), 'invalid-argument')
    assert.deepEqual(await store.list(''), [])
  }),
  storeCase('what it could not keep is not there, however long', async (store) => {
    await store.commit({ puts: [{ key: 'x'.repeat(400), value: 1 }] })
    const keys = ['', 'x'.repeat(401), 'é'.repeat(201), 'x'.repeat(5_000), 'é'.repeat(100_000)]
    assert.deepEqual(
      await store.get(keys),
      keys.map(() => undefined),
    )
  }),
  storeCase('lets exactly one of many concurrent writers through each time', async (store) => {
    await store.commit({ puts: [{ key: 'counter', value: 0 }] })
    let conflicts = 0
    const increment = async (): Promise<void> => {
      for (;;) {
        const [entry] = await store.get(['counter'])
        assert.ok(entry)
        try {
          const puts = [{ key: 'counter', value: Number(entry.value) + 1 }]
          await store.commit({ checks: [{ key: 'counter', version: entry.version }], puts })
          return
        } catch (error) {
          assert.ok(isLibpodError(error, 'conflict'))
          conflicts++
        }
      }
    }
    await Promise.all(Array.from({ length: 40 }, increment))
    assert.equal((await store.get(['counter']))[0]?.value, 40)
    assert.ok(conflicts > 0, 'nobody ever met another')
  }),
  storeCase('a commit that fails takes no other one of the same moment with it', async (store) => {
    await store.commit({ puts: [{ key: 'taken', value: 1 }] })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, at) =>
        store.commit({ checks: at % 2 === 0 ? [] : [{ key: 'taken', exists: false }], puts: [{ key: `one/${at}`, value: at }] }),
      ),
    )
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      outcomes.map((_, at) => (at % 2 === 0 ? 'fulfilled' : 'rejected')),
    )
    assert.equal((await store.list('one/')).length, 25)
  }),
  storeCase('closes once, finishing what was begun, and refuses what comes later', async (store) => {
    const pending = store.commit({ puts: [{ key: 'last', value: 1 }] })
    const closing = Promise.all([store.close(), store.close()])
    await pending
    await closing
    await store.close()
    await assertRejects(store.get(['last']), 'closed')
    await assertRejects(store.get([]), 'closed')
    await assertRejects(store.list(''), 'closed')
    await assertRejects(store.commit({}), 'closed')
  }),
  {
    name: 'still knows everything when it is opened again',
    requires: 'durable',
    async run({ open }) {
      const first = await open()
      const [version] = await first.commit({
        puts: [
          { key: 'a', value: 'kept' },
          { key: 'b', value: 1 },
        ],
      })
      await first.commit({ deletes: ['b'] })
      await first.close()
      const second = await open()
      assert.deepEqual(await second.list(''), [{ key: 'a', value: 'kept', version }])
      const [next] = await second.commit({ puts: [{ key: 'b', value: 2 }] })
      assert.ok(next !== undefined && next !== version)
      await second.close()
    },
  },
  {
    name: 'may be open twice in one process',
    requires: 'shared',
    async run({ open }) {
      const [first, second] = [await open(), await open()]
      await first.commit({ puts: [{ key: 'a', value: 1 }] })
      assert.equal((await second.get(['a']))[0]?.value, 1)
      await first.close()
      await second.commit({ puts: [{ key: 'a', value: 2 }] })
      assert.equal((await second.get(['a']))[0]?.value, 2)
      await second.close()
    },
  },
]

/** The conformance cases of the contract {@link StateStore}: an implementation's test runs those whose trait it has. @public */
export const stateStoreCases: readonly StateStoreCase[] = [...singleProcessCases, ...sharedStateStoreCases]
