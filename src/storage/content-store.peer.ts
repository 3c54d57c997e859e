import { type Digest, digestOf } from '../base/digest.ts'
import type { Json } from '../state/state-store.ts'
import type { ContentStore } from './content-store.ts'

/** Bytes that differ everywhere, the same in every process: a blob put together wrongly has another digest. */
export function testBytes(seed: number, size: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(size / 4) * 4)
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.imul(at + seed * 7919 + 1, 2654435761) >>> 0, at)
  return bytes.subarray(0, size)
}

/** Puts a blob in, going on where somebody left off. */
export async function putTestBytes(store: ContentStore, bytes: Buffer, reference?: string): Promise<Digest> {
  const digest = digestOf(bytes)
  await using ingest = await store.ingest({ reference: reference ?? digest, digest, sizeBytes: bytes.length })
  for (let at = ingest.offset; at < bytes.length; at += 10_000) await ingest.write(bytes.subarray(at, at + 10_000))
  await ingest.commit()
  return digest
}

/** What the other processes of the conformance cases do. @public */
export const contentStorePeerJobs: Readonly<Record<string, (store: ContentStore, input: Readonly<Record<string, Json>>) => Promise<Json>>> =
  {
    /** Writes the first bytes of a blob, and then holds the ingest until it is killed. */
    async hold(store, { reference, seed, bytes }) {
      const ingest = await store.ingest({ reference: String(reference) })
      if (ingest.offset === 0) await ingest.write(testBytes(Number(seed), Number(bytes)))
      // Whoever forgets an ingest lets go of it.
      return new Promise(() => setInterval(() => ingest.offset, 60_000))
    },
    /** Writes a blob slowly, a little at a time, and never comes to its end. */
    async trickle(store, { reference, seed, bytes }) {
      const ingest = await store.ingest({ reference: String(reference) })
      const all = testBytes(Number(seed), Number(bytes))
      for (let at = ingest.offset; ; at += 777) {
        await ingest.write(all.subarray(at, at + 777))
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    },
    /** Puts in the blobs that others put in at the same time. */
    async race(store, { rounds, bytes }) {
      for (let round = 0; round < Number(rounds); round++) await putTestBytes(store, testBytes(round, Number(bytes)))
      return null
    },
    /** Puts in one blob after the other until it is killed. */
    async churn(store, { seed, bytes }) {
      for (let round = 0; ; round++) await putTestBytes(store, testBytes(Number(seed) + round, Number(bytes) + round))
    },
  }
