import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LiveState } from '../live.ts'
import { Registry } from '../registry.ts'
import { openLmdbStore } from './lmdb.ts'
import { testStateStore } from './store-suite.ts'

const optionsIn = (directory: string) => ({ path: join(directory, 'state.mdb') })

testStateStore('lmdb store', {
  traits: { durable: true, shared: true },
  module: './lmdb.ts',
  opener: 'openLmdbStore',
  optionsIn,
  open: (directory) => openLmdbStore(optionsIn(directory)),
})

describe('lmdb store on disk', () => {
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'libpod-ts-lmdb-'))
  })

  afterEach(() => rm(directory, { recursive: true, force: true }))

  it('is private to its owner', async () => {
    const path = join(directory, 'deep', 'er', 'state.mdb')
    const store = await openLmdbStore({ path })
    await store.close()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(directory, 'deep'))).mode & 0o777).toBe(0o700)
  })

  it.each([
    ['garbage', Buffer.alloc(20_000, 'garbage ')],
    ['too short', Buffer.from('abc')],
    ['zeros', Buffer.alloc(8192)],
  ])('refuses a file of %s, which would be the end of the process', async (_, content) => {
    const path = join(directory, 'state.mdb')
    await writeFile(path, content)
    await expect(openLmdbStore({ path })).rejects.toEqual(expect.objectContaining({ code: 'corrupt', details: { what: path } }))
    expect(await readFile(path)).toEqual(content)
  })

  it('refuses a file that is cut off, and what is no file', async () => {
    const path = join(directory, 'state.mdb')
    const store = await openLmdbStore({ path })
    for (let at = 0; at < 20; at++) await store.commit({ puts: [{ key: `k${at}`, value: 'x'.repeat(20_000) }] })
    await store.close()
    await truncate(path, 3 * 4096)
    await expect(openLmdbStore({ path })).rejects.toEqual(expect.objectContaining({ code: 'corrupt' }))
    await expect(openLmdbStore({ path: directory })).rejects.toEqual(expect.objectContaining({ code: 'invalid-argument' }))
  })

  it('says when the disk is full, keeps what it has, and goes on when there is room', async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', directory])
    // lmdb also prints such errors.
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
    const path = join(directory, 'state.mdb')
    const store = await openLmdbStore({ path })
    try {
      const value = 'x'.repeat(20_000)
      let kept = 0
      const fill = async (): Promise<void> => {
        for (; kept < 100; kept++) await store.commit({ puts: [{ key: `k${kept}`, value }] })
      }
      await expect(fill()).rejects.toEqual(expect.objectContaining({ code: 'no-space', details: { path } }))
      const several = await Promise.allSettled([1, 2, 3].map((at) => store.commit({ puts: [{ key: `m${at}`, value }] })))
      expect(several.map((outcome) => outcome.status === 'rejected' && (outcome.reason as { code: string }).code)).toEqual(
        Array(3).fill('no-space'),
      )
      expect(await store.list('')).toHaveLength(kept)
      expect(kept).toBeGreaterThan(5)
      await store.commit({ deletes: ['k0', 'k1', 'k2', 'k3', 'k4'] })
      await store.commit({ puts: [{ key: 'again', value }] })
      await store.close()
      const reopened = await openLmdbStore({ path })
      expect(await reopened.list('')).toHaveLength(kept - 4)
      await reopened.close()
    } finally {
      await store.close()
      printed.mockRestore()
      execFileSync('umount', [directory])
    }
  })

  it('a store of live state costs no sync', async () => {
    const store = await openLmdbStore({ path: join(directory, 'live.mdb'), durable: false })
    expect(store.traits).toEqual({ durable: false, shared: true })
    const live = new LiveState(store)
    await live.set('container', 'a', { pid: 0 })
    const begin = performance.now()
    for (let pid = 1; pid <= 300; pid++) await live.set('container', 'a', { pid })
    console.info(`live state: ${((performance.now() - begin) / 300).toFixed(3)} ms a write`)
    expect(await live.get('container', 'a')).toEqual({ pid: 300 })
    await store.close()
  })

  it('lists 10,000 summaries in small pieces, and creates as fast beside them', { timeout: 60_000 }, async () => {
    const store = await openLmdbStore({ path: join(directory, 'state.mdb') })
    const registry = new Registry(store, { kinds: [{ kind: 'container', nameScope: 'container', format: 1 }] })
    const summary = { image: 'localhost/a:1', text: 'x'.repeat(500), ports: [80, 443] }
    const draft = (id: string) => ({ id, names: [`name-${id}`], links: [], body: { text: 'y'.repeat(2500) }, summary })
    const create = async (from: number, count: number): Promise<number> => {
      const begin = performance.now()
      for (let at = from; at < from + count; at++) await registry.create('container', draft(digestId(at)))
      return (performance.now() - begin) / count
    }
    const first = await create(0, 100)
    for (let at = 100; at < 10_000; at += 100)
      await registry.commit(
        Array.from({ length: 100 }, (_, more) => ({ type: 'create', kind: 'container', draft: draft(digestId(at + more)) })),
      )
    const last = await create(10_000, 100)
    const measure = async (): Promise<{ readonly total: number; readonly piece: number }> => {
      const begin = performance.now()
      let [mark, piece, count] = [begin, 0, 0]
      for await (const page of registry.iterate('container')) {
        piece = Math.max(piece, performance.now() - mark)
        count += page.length
        await new Promise((resolve) => setImmediate(resolve))
        mark = performance.now()
      }
      expect(count).toBe(10_100)
      return { total: performance.now() - begin, piece }
    }
    const [best] = [await measure(), await measure(), await measure()].sort((a, b) => a.total - b.total)
    console.info(
      `registry: create ${first.toFixed(2)} ms, beside 10,000 ${last.toFixed(2)} ms; list of 10,000 ${best?.total.toFixed(0)} ms in pieces of ${best?.piece.toFixed(1)} ms`,
    )
    // Far above the budget of 60 and 20 ms, which the benchmarks watch: this machine may be busy.
    expect(best?.total).toBeLessThan(300)
    expect(best?.piece).toBeLessThan(100)
    expect(last).toBeLessThan(10 * first + 5)
    await store.close()
  })
})

function digestId(at: number): string {
  return createHash('sha256').update(String(at)).digest('hex')
}
