import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { crypto } from '../base/crypto.ts'
import { type Digest, digestOf, splitDigest } from '../base/digest.ts'
import type { ContentStoreCase } from './content-store.case-types.ts'
import { testBytes } from './content-store.peer.ts'
import type { ContentStore } from './content-store.ts'

/** Reads every blob, and asserts that it is what its name says. Gives how many there are. */
async function verifyAll(store: ContentStore): Promise<number> {
  let count = 0
  for await (const { digest, sizeBytes } of store.list()) {
    const { size, stream } = await store.open(digest)
    const hash = crypto().createHash(splitDigest(digest).algorithm)
    let read = 0
    for await (const chunk of stream() as AsyncIterable<Buffer>) {
      hash.update(chunk)
      read += chunk.length
    }
    assert.deepEqual([read, size], [sizeBytes, sizeBytes], `${digest} is not whole`)
    assert.equal(`${splitDigest(digest).algorithm}:${hash.digest('hex')}`, digest)
    count++
  }
  return count
}

async function unfinishedBytes(store: ContentStore, reference: string): Promise<number> {
  for await (const ingest of store.ingests()) if (ingest.reference === reference) return ingest.sizeBytes
  return 0
}

/** The cases for which other processes are needed. Their jobs are in `content-store.peer.ts`. */
export const sharedContentStoreCases: readonly ContentStoreCase[] = [
  {
    name: 'an ingest outlives its killed writer and is gone on with by another process',
    async run({ open, spawnPeer, report }) {
      const store = await open()
      const bytes = testBytes(1, 2_000_000)
      const digest = digestOf(bytes)
      const offsets: number[] = []
      for (let round = 0; round < 5; round++) {
        const writer = await spawnPeer('trickle', { reference: digest, seed: 1, bytes: bytes.length })
        await writer.started
        const before = await unfinishedBytes(store, digest)
        while ((await unfinishedBytes(store, digest)) <= before) await sleep(2)
        await sleep(Math.random() * 20)
        await writer.kill()
        offsets.push(await unfinishedBytes(store, digest))
      }
      await using ingest = await store.ingest({ reference: digest, digest, sizeBytes: bytes.length })
      assert.equal(ingest.offset, offsets.at(-1))
      await ingest.write(bytes.subarray(ingest.offset))
      await ingest.commit()
      assert.equal(await verifyAll(store), 1)
      report(`5 writers killed, the next one went on at ${offsets.join(', ')}`)
    },
  },
  {
    name: 'a writer waits for one in another process, and goes on at once when that is killed',
    async run({ open, spawnPeer, report }) {
      const store = await open()
      const holder = await spawnPeer('hold', { reference: 'a', seed: 1, bytes: 1000 })
      while ((await unfinishedBytes(store, 'a')) < 1000) await sleep(2)
      for await (const { forget } of store.ingests()) assert.equal(await forget(), false)
      let got = false
      const waiting = store.ingest({ reference: 'a' }).finally(() => {
        got = true
      })
      await sleep(100)
      assert.equal(got, false)
      await holder.kill()
      const begin = performance.now()
      await using ingest = await waiting
      report(`waited ${(performance.now() - begin).toFixed(1)} ms for a killed writer`)
      assert.equal(ingest.offset, 1000)
      await ingest.write(testBytes(1, 2000).subarray(1000))
      assert.equal((await ingest.commit()).digest, digestOf(testBytes(1, 2000)))
    },
  },
  {
    name: 'four processes that put in the same blobs at once all succeed',
    async run({ open, spawnPeer }) {
      const store = await open()
      const [rounds, bytes] = [100, 20_000]
      const peers = await Promise.all(Array.from({ length: 4 }, () => spawnPeer('race', { rounds, bytes })))
      for (const { result } of peers) assert.equal(await result, null)
      assert.equal(await verifyAll(store), rounds)
      const expected: readonly Digest[] = Array.from({ length: rounds }, (_, seed) => digestOf(testBytes(seed, bytes)))
      for (const digest of expected) assert.equal((await store.stat(digest))?.sizeBytes, bytes)
      for await (const { reference } of store.ingests()) assert.fail(`${reference} is left over`)
    },
  },
  {
    name: 'processes killed at any moment leave whole blobs, and ingests that can be forgotten',
    async run({ open, spawnPeer, report }) {
      const store = await open()
      for (let round = 0; round < 6; round++) {
        const writers = await Promise.all([1, 2].map((at) => spawnPeer('churn', { seed: (2 * round + at) * 100_000, bytes: 15_000 * at })))
        await Promise.all(writers.map(({ started }) => started))
        for (const writer of writers) {
          await sleep(Math.random() * 40)
          await writer.kill()
        }
      }
      const blobs = await verifyAll(store)
      let unfinished = 0
      for await (const { forget } of store.ingests()) {
        assert.equal(await forget(), true)
        unfinished++
      }
      report(`12 writers killed: ${blobs} blobs, all whole, and ${unfinished} unfinished`)
      for await (const { reference } of store.ingests()) assert.fail(`${reference} is left over`)
    },
  },
]
