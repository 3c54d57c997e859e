import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { type Digest, digestOf } from '../base/digest.ts'
import { type ErrorCode, isLibpodError } from '../base/errors.ts'
import type { ContentStoreCase, ContentStoreCaseContext } from './content-store.case-types.ts'
import { putTestBytes, testBytes } from './content-store.peer.ts'
import { sharedContentStoreCases } from './content-store.shared-cases.ts'
import type { ContentStore, IngestOptions } from './content-store.ts'

/** Asserts that a promise rejects with an error of this code. */
async function assertRejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isLibpodError(error, code), `expected ${code}, got ${String(error)}`)
    return true
  })
}

function storeCase(name: string, body: (store: ContentStore, context: ContentStoreCaseContext) => Promise<void>): ContentStoreCase {
  return { name, run: async (context) => body(await context.open(), context) }
}

async function bytesOf(store: ContentStore, digest: Digest, range?: { readonly start?: number; readonly end?: number }): Promise<Buffer> {
  return buffer((await store.open(digest, range)).stream())
}

async function digestsIn(store: ContentStore): Promise<Digest[]> {
  const digests: Digest[] = []
  for await (const { digest } of store.list()) digests.push(digest)
  return digests.sort()
}

async function referencesIn(store: ContentStore): Promise<string[]> {
  const references: string[] = []
  for await (const { reference } of store.ingests()) references.push(reference)
  return references.sort()
}

/** Writes and commits, as a damaged download would. */
async function put(store: ContentStore, options: IngestOptions, bytes: Uint8Array): Promise<void> {
  await using ingest = await store.ingest(options)
  await ingest.write(bytes)
  await ingest.commit()
}

/** None of them may become a path. */
const malformedDigests = [
  '',
  'sha256',
  'sha256:',
  'sha256:abc',
  `sha256:${'A'.repeat(64)}`,
  `sha256:${'a'.repeat(65)}`,
  `sha256:${'a'.repeat(64)}\n`,
  `sha1:${'a'.repeat(40)}`,
  `../sha256:${'a'.repeat(64)}`,
  'sha256:../../../../../../etc/passwd',
  `sha256:${'../'.repeat(21)}a`,
  `sha256/${'a'.repeat(64)}`,
] as Digest[]

const malformedReferences = ['', 'a'.repeat(201), 'a b', 'ä', 'a\u0000', 'a\nb', 'half \ud800', 'a%2fb', 'a\\b']
const oddReferences = [
  '.',
  '..',
  '../..',
  '/',
  '/etc/passwd',
  'a/../b',
  '.part',
  'a'.repeat(200),
  '/'.repeat(200),
  `${'@:+_-.'.repeat(33)}aa`,
]

const singleProcessCases: readonly ContentStoreCase[] = [
  storeCase('gives back what was put, by its digest', async (store) => {
    const bytes = testBytes(1, 300_001)
    const before = Date.now()
    const ingest = await store.ingest({ reference: 'one' })
    assert.equal(ingest.offset, 0)
    for (const [start, end] of [
      [0, 1],
      [1, 1],
      [1, 200_000],
      [200_000, bytes.length],
    ] as const) {
      await ingest.write(bytes.subarray(start, end))
      assert.equal(ingest.offset, end)
    }
    const blob = await ingest.commit()
    await ingest.close()
    assert.equal(blob.digest, digestOf(bytes))
    assert.equal(blob.sizeBytes, bytes.length)
    assert.ok(Math.abs(blob.createdAt.getTime() - before) < 60_000)
    assert.deepEqual(await store.stat(blob.digest), blob)
    const opened = await store.open(blob.digest)
    assert.equal(opened.size, bytes.length)
    assert.deepEqual(await buffer(opened.stream()), bytes)
    assert.deepEqual(await buffer(opened.stream()), bytes)
    assert.deepEqual(await readFile(opened.path), bytes)
    assert.deepEqual(await digestsIn(store), [blob.digest])
    assert.deepEqual(await referencesIn(store), [])
  }),
  storeCase('knows sha512, and blobs of nothing', async (store) => {
    const empty = digestOf('')
    const long = digestOf('bytes', 'sha512')
    await put(store, { reference: long, digest: long, sizeBytes: 5 }, Buffer.from('bytes'))
    await put(store, { reference: empty, digest: empty, sizeBytes: 0 }, Buffer.alloc(0))
    assert.equal((await bytesOf(store, long)).toString(), 'bytes')
    assert.equal((await bytesOf(store, empty)).length, 0)
    assert.equal((await store.stat(empty))?.sizeBytes, 0)
    assert.deepEqual(await digestsIn(store), [empty, long].sort())
  }),
  storeCase('a blob is there whole, or not at all', async (store) => {
    const bytes = testBytes(2, 50_000)
    const digest = digestOf(bytes)
    const absent = async (): Promise<void> => {
      assert.equal(await store.stat(digest), undefined)
      await assertRejects(store.open(digest), 'not-found')
      assert.deepEqual(await digestsIn(store), [])
    }
    await absent()
    const ingest = await store.ingest({ reference: digest, digest, sizeBytes: bytes.length })
    await ingest.write(bytes)
    await absent()
    // Who follows the growing bytes sees all that was written.
    assert.deepEqual(await readFile(ingest.path), bytes)
    await ingest.close()
    await absent()
  }),
  storeCase('an ingest is gone on with by its reference', async (store) => {
    const bytes = testBytes(3, 100_000)
    const options = { reference: 'half', digest: digestOf(bytes), sizeBytes: bytes.length }
    const first = await store.ingest(options)
    await first.write(bytes.subarray(0, 40_000))
    await first.close()
    assert.deepEqual(await referencesIn(store), ['half'])
    await using second = await await store.ingest(options)
    assert.equal(second.offset, 40_000)
    await second.write(bytes.subarray(40_000))
    assert.equal((await second.commit()).digest, options.digest)
    assert.deepEqual(await bytesOf(store, options.digest), bytes)
    assert.deepEqual(await referencesIn(store), [])
  }),
  storeCase('an ingest can begin again at nothing', async (store) => {
    const bytes = testBytes(4, 10_000)
    const digest = digestOf(bytes)
    await using ingest = await store.ingest({ reference: 'again', digest })
    await ingest.write(testBytes(5, 30_000))
    await ingest.truncate()
    assert.equal(ingest.offset, 0)
    await ingest.write(bytes)
    await ingest.commit()
    assert.deepEqual(await bytesOf(store, digest), bytes)
  }),
  storeCase('committing a blob that is there succeeds, and changes nothing', async (store) => {
    const bytes = testBytes(6, 1000)
    const digest = await putTestBytes(store, bytes)
    const before = await store.stat(digest)
    await putTestBytes(store, bytes)
    await putTestBytes(store, bytes, 'another')
    assert.deepEqual(await store.stat(digest), before)
    assert.deepEqual(await digestsIn(store), [digest])
    assert.deepEqual(await referencesIn(store), [])
  }),
  storeCase('bytes that are not what was announced are refused and forgotten', async (store) => {
    const bytes = testBytes(7, 1000)
    const digest = digestOf(bytes)
    const wrong = Buffer.from(bytes).fill(0, 500, 501)
    for (const [what, sizeBytes, written] of [
      ['digest', undefined, wrong],
      ['digest', 1000, wrong],
      ['size', 1000, bytes.subarray(0, 999)],
      ['size', 1000, Buffer.concat([bytes, Buffer.alloc(1)])],
      ['size', 1000, Buffer.alloc(0)],
    ] as const) {
      const options = { reference: what, digest, ...(sizeBytes === undefined ? {} : { sizeBytes }) }
      await assertRejects(put(store, options, written), 'corrupt')
      assert.equal(await store.stat(digest), undefined)
      assert.deepEqual(await referencesIn(store), [])
    }
    assert.deepEqual(await digestsIn(store), [])
    // What was left half-done is damaged only when it is complete.
    const half = await store.ingest({ reference: 'resumed' })
    await half.write(wrong.subarray(0, 600))
    await half.close()
    await assertRejects(put(store, { reference: 'resumed', digest }, bytes.subarray(600)), 'corrupt')
    await using again = await store.ingest({ reference: 'resumed', digest })
    assert.equal(again.offset, 0)
  }),
  storeCase('an ingest is over after commit, refusal and close', async (store) => {
    const over = async (options: IngestOptions, end: (ingest: Awaited<ReturnType<ContentStore['ingest']>>) => Promise<unknown>) => {
      const ingest = await store.ingest(options)
      await ingest.write(Buffer.from('a'))
      await end(ingest).catch(() => {})
      await assertRejects(ingest.write(Buffer.from('b')), 'closed')
      await assertRejects(ingest.commit(), 'closed')
      await assertRejects(ingest.truncate(), 'closed')
      await ingest.close()
      await ingest.close()
    }
    await over({ reference: 'committed' }, (ingest) => ingest.commit())
    await over({ reference: 'refused', sizeBytes: 2 }, (ingest) => ingest.commit())
    await over({ reference: 'closed' }, (ingest) => ingest.close())
    assert.deepEqual(await digestsIn(store), [digestOf('a')])
    assert.deepEqual(await referencesIn(store), ['closed'])
  }),
  storeCase('gives any part of a blob', async (store) => {
    const bytes = testBytes(8, 10_000)
    const digest = await putTestBytes(store, bytes)
    for (const range of [
      {},
      { start: 0 },
      { start: 1 },
      { end: 1 },
      { start: 0, end: 10_000 },
      { start: 9_999 },
      { start: 3, end: 4 },
      { start: 3, end: 3 },
      { start: 0, end: 0 },
      { start: 10_000 },
      { start: 20_000 },
      { start: 9_000, end: 20_000 },
      { start: 20_000, end: 30_000 },
      { start: 5, end: 4 },
    ]) {
      const { start = 0, end = bytes.length } = range
      assert.deepEqual(await bytesOf(store, digest, range), bytes.subarray(start, Math.max(start, end)), JSON.stringify(range))
      assert.equal((await store.open(digest, range)).size, bytes.length)
    }
    for (const range of [{ start: -1 }, { start: 0.5 }, { end: -1 }, { end: Number.NaN }, { start: Number.POSITIVE_INFINITY }])
      await assertRejects(store.open(digest, range), 'invalid-argument')
  }),
  storeCase('lists all, and deletes one', async (store) => {
    const digests: Digest[] = []
    for (let seed = 0; seed < 50; seed++) digests.push(await putTestBytes(store, testBytes(seed, 100 + seed)))
    assert.deepEqual(await digestsIn(store), [...digests].sort())
    for await (const blob of store.list()) assert.deepEqual(blob, await store.stat(blob.digest))
    const [gone = digestOf(''), ...rest] = digests
    await store.delete(gone)
    await store.delete(gone)
    await store.delete(digestOf('was never there'))
    assert.equal(await store.stat(gone), undefined)
    await assertRejects(store.open(gone), 'not-found')
    assert.deepEqual(await digestsIn(store), rest.sort())
    // Who deletes all of them while listing sees each once.
    for await (const { digest } of store.list()) await store.delete(digest)
    assert.deepEqual(await digestsIn(store), [])
  }),
  storeCase('lists what is unfinished; what is being written cannot be forgotten', async (store) => {
    const before = Date.now()
    const idle = await store.ingest({ reference: 'idle' })
    await idle.write(Buffer.alloc(10))
    await idle.close()
    await using busy = await store.ingest({ reference: 'busy' })
    await busy.write(Buffer.alloc(20))
    const sizes = new Map<string, number>()
    for await (const { reference, sizeBytes, updatedAt, forget } of store.ingests()) {
      sizes.set(reference, sizeBytes)
      assert.ok(Math.abs(updatedAt.getTime() - before) < 60_000)
      assert.equal(await forget(), reference === 'idle')
    }
    assert.deepEqual([...sizes].sort(), [
      ['busy', 20],
      ['idle', 10],
    ])
    assert.deepEqual(await referencesIn(store), ['busy'])
    await using again = await store.ingest({ reference: 'idle' })
    assert.equal(again.offset, 0)
    await busy.write(Buffer.alloc(5))
    assert.equal((await busy.commit()).sizeBytes, 25)
  }),
  storeCase('refuses what is no digest, and makes nothing of it', async (store) => {
    for (const digest of malformedDigests) {
      await assertRejects(store.stat(digest), 'invalid-argument')
      await assertRejects(store.open(digest), 'invalid-argument')
      await assertRejects(store.delete(digest), 'invalid-argument')
      await assertRejects(store.ingest({ reference: 'a', digest }), 'invalid-argument')
    }
    assert.deepEqual(await referencesIn(store), [])
    assert.deepEqual(await digestsIn(store), [])
  }),
  storeCase('takes every reference that is one, and refuses the rest', async (store) => {
    for (const reference of malformedReferences) await assertRejects(store.ingest({ reference }), 'invalid-argument')
    for (const [at, reference] of oddReferences.entries()) {
      await using ingest = await store.ingest({ reference })
      await ingest.write(Buffer.alloc(at))
    }
    assert.deepEqual(await referencesIn(store), [...oddReferences].sort())
    for (const [at, reference] of oddReferences.entries()) {
      await using ingest = await store.ingest({ reference })
      assert.equal(ingest.offset, at)
    }
    for await (const { forget } of store.ingests()) assert.equal(await forget(), true)
    assert.deepEqual(await referencesIn(store), [])
  }),
  storeCase('a second writer of a reference waits for the first', async (store, { open }) => {
    const first = await store.ingest({ reference: 'a' })
    const order: string[] = []
    const waiting = Promise.all(
      [store, await open()].map(async (other, at) => {
        await using second = await other.ingest({ reference: 'a' })
        order.push(`got ${second.offset}`)
        await second.write(Buffer.from(`more ${at}`))
      }),
    )
    await first.write(Buffer.from('some'))
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.deepEqual(order, [])
    await using beside = await store.ingest({ reference: 'b' })
    assert.equal(beside.offset, 0)
    await first.close()
    await waiting
    assert.deepEqual(order, ['got 4', 'got 10'])
  }),
  storeCase('a writer that waited for one that committed begins at nothing, and may commit too', async (store) => {
    const bytes = testBytes(9, 10_000)
    const writers = Array.from({ length: 5 }, () => putTestBytes(store, bytes))
    const [digest = digestOf('')] = await Promise.all(writers)
    assert.deepEqual(await bytesOf(store, digest), bytes)
    assert.deepEqual(await referencesIn(store), [])
  }),
  storeCase('an aborted wait rejects with the reason, and holds nothing', async (store) => {
    const reason = new Error('enough')
    await assert.rejects(store.ingest({ reference: 'a', signal: AbortSignal.abort(reason) }), (error) => error === reason)
    assert.deepEqual(await referencesIn(store), [])
    const first = await store.ingest({ reference: 'a' })
    const controller = new AbortController()
    const waiting = store.ingest({ reference: 'a', signal: controller.signal })
    setTimeout(() => controller.abort(reason), 20)
    await assert.rejects(waiting, (error) => error === reason)
    await first.write(testBytes(10, 5_000_000))
    await first.close()
    // Going on reads what is there, which may take long.
    const late = new AbortController()
    const reading = store.ingest({ reference: 'a', signal: late.signal })
    setImmediate(() => late.abort(reason))
    await reading.then(
      (ingest) => ingest.close(),
      (error: unknown) => assert.equal(error, reason),
    )
    await using last = await store.ingest({ reference: 'a' })
    assert.equal(last.offset, 5_000_000)
  }),
  {
    name: 'says when the disk is full, loses nothing, and goes on when there is room',
    requires: 'small',
    async run({ openSmall }) {
      assert.ok(openSmall)
      const store = await openSmall()
      const kept = await putTestBytes(store, testBytes(1, 1_000_000))
      const bytes = testBytes(2, 3_500_000)
      const digest = digestOf(bytes)
      const ingest = await store.ingest({ reference: 'large', digest, sizeBytes: bytes.length })
      const fill = async (): Promise<void> => {
        while (ingest.offset < bytes.length) await ingest.write(bytes.subarray(ingest.offset, ingest.offset + 100_000))
      }
      await assertRejects(fill(), 'no-space')
      assert.ok(ingest.offset > 500_000)
      const { offset } = ingest
      await assertRejects(ingest.write(bytes.subarray(offset)), 'no-space')
      assert.equal(ingest.offset, offset)
      assert.deepEqual(await digestsIn(store), [kept])
      await store.delete(kept)
      await ingest.write(bytes.subarray(offset, offset + 50_000))
      await ingest.close()
      await using again = await store.ingest({ reference: 'large', digest, sizeBytes: bytes.length })
      assert.equal(again.offset, offset + 50_000)
    },
  },
]

/** The conformance cases of the contract {@link ContentStore}: an implementation's test runs those that it meets the requirements of. @public */
export const contentStoreCases: readonly ContentStoreCase[] = [...singleProcessCases, ...sharedContentStoreCases]
