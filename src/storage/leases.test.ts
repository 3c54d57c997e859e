import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Digest, digestOf } from '../base/digest.ts'
import { sleep } from '../base/time.ts'
import { createOwner, type Owner } from '../locks/owners.ts'
import type { StateStore } from '../state/state-store.ts'
import { openLmdbStore } from '../state/stores/lmdb.ts'
import { blobWord, snapshotWord } from './lease-keys.ts'
import { Leases } from './leases.ts'

let directory = ''
let store: StateStore
const owners: Owner[] = []

const digest = (text: string): Digest => digestOf(text)
const [a, b] = [digest('a'), digest('b')]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-leases-'))
  store = await openLmdbStore({ path: join(directory, 'live.mdb'), durable: false })
})

afterEach(async () => {
  for (const owner of owners.splice(0)) owner.release()
  await store.close()
  await rm(directory, { recursive: true })
})

/** The leases of one more engine. */
async function engine(): Promise<Leases & { die(): void }> {
  const owner = await createOwner(join(directory, 'owners'))
  owners.push(owner)
  const leases = new Leases({ store, owners: join(directory, 'owners'), owner: owner.id })
  return Object.assign(leases, { die: () => owner.release() })
}

const allKeys = async (): Promise<string[]> => (await store.list('')).map(({ key }) => key)
const condemned = (leases: Leases, words: readonly string[]): Promise<string[]> => leases.condemn(words, async (which) => [...which])

describe('a lease', () => {
  it('names blobs and snapshots for all engines, and is given back', async () => {
    const [own, other] = [await engine(), await engine()]
    const result = await own.with(async (lease) => {
      await lease.add({ digests: [a], snapshots: [a, 'extract-1'] })
      await lease.add({ digests: [a, b] })
      expect(await other.held()).toEqual(new Set([blobWord(a), snapshotWord(a), snapshotWord('extract-1'), blobWord(b)]))
      return 'done'
    })
    expect(result).toBe('done')
    expect(await allKeys()).toEqual([])
  })

  it('is given back when its work fails, also what is still being written', async () => {
    const own = await engine()
    const work = own.with(async (lease) => {
      await lease.add({ digests: [a] })
      void lease.add({ digests: [b] })
      throw new Error('failed')
    })
    await expect(work).rejects.toThrow('failed')
    expect(await allKeys()).toEqual([])
  })

  it('says that it names something only when that is written, also to one who asks a second time', async () => {
    const own = await engine()
    await own.with(async (lease) => {
      const first = lease.add({ digests: [a] })
      const second = lease.add({ digests: [a] })
      await second
      expect(await own.held()).toEqual(new Set([blobWord(a)]))
      await first
    })
  })

  it('keeps what it names from being condemned, next to others that do', async () => {
    const [own, other] = [await engine(), await engine()]
    const words = [blobWord(a), snapshotWord(a), blobWord(b)]
    await own.with(async (lease) => {
      await lease.add({ digests: [a] })
      // The blob and the snapshot of one digest are two things.
      expect(await condemned(other, words)).toEqual([snapshotWord(a), blobWord(b)])
      await other.with(async (second) => {
        await second.add({ digests: [a] })
      })
      expect(await condemned(other, [blobWord(a)])).toEqual([])
    })
    expect(await condemned(other, words)).toEqual(words)
    expect(await allKeys()).toEqual([])
  })

  it('waits until what was condemned is removed', async () => {
    const [own, other] = [await engine(), await engine()]
    const order: string[] = []
    let leased: Promise<void> = Promise.resolve()
    await other.condemn([blobWord(a), blobWord(b)], async () => {
      leased = own.with(async (lease) => {
        await lease.add({ digests: [a] })
        order.push('leased')
      })
      await new Promise((resolve) => setTimeout(resolve, 50))
      order.push('removed')
    })
    await leased
    expect(order).toEqual(['removed', 'leased'])
  })

  it('is void when its engine is dead, and what such a one condemned is free', async () => {
    const [own, dead] = [await engine(), await engine()]
    const never = new Promise<void>(() => {})
    void dead.with(async (lease) => {
      await lease.add({ digests: [a] })
      await never
    })
    void dead.condemn([blobWord(b)], () => never)
    await expect.poll(allKeys).toHaveLength(2)
    expect(await own.held()).toEqual(new Set([blobWord(a)]))
    expect(await condemned(own, [blobWord(a), blobWord(b)])).toEqual([])
    dead.die()
    await own.with(async (lease) => {
      await lease.add({ digests: [b] })
      expect(await own.held()).toEqual(new Set([blobWord(b)]))
    })
    expect(await allKeys()).toEqual([])
    expect(await condemned(own, [blobWord(a), blobWord(b)])).toHaveLength(2)
  })

  it('frees what was condemned when removing it fails', async () => {
    const own = await engine()
    const failing = own.condemn([blobWord(a)], async () => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await allKeys()).toEqual([])
  })

  it('lets either the lease or the removal come first, never both at once', async () => {
    const [own, other] = [await engine(), await engine()]
    const turn = (ms: number): Promise<void> => sleep(Math.random() * ms)
    let there = true
    let [found, missed, removed] = [0, 0, 0]
    const use = async (): Promise<void> => {
      while (Math.min(found, missed, removed) < 20) {
        await own.with(async (lease) => {
          await lease.add({ digests: [a] })
          const first = there
          if (first) found++
          else missed++
          await turn(4)
          expect(there).toBe(first)
          there = true
        })
        await turn(4)
      }
    }
    let over = false
    const collect = async (): Promise<void> => {
      while (!over) {
        await other.condemn([blobWord(a)], async (words) => {
          if (words.size === 0) return
          await turn(4)
          there = false
          removed++
        })
        await turn(20)
      }
    }
    await Promise.all([use().finally(() => (over = true)), collect()])
    expect(await allKeys()).toEqual([])
  })
})
