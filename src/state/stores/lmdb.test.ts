import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, stat, statfs, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LiveState } from '../live.ts'
import { Registry } from '../registry.ts'
import type { StateStore } from '../state-store.ts'
import { openLmdbStore } from './lmdb.ts'
import { testStateStore } from './store-suite.ts'

const optionsIn = (directory: string) => ({ path: join(directory, 'state.mdb') })

testStateStore('lmdb store', {
  traits: { durable: true, shared: true },
  module: './lmdb.js',
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

  it.each(['/proc/libpod-ts/x/state.mdb', '/dev/null/state.mdb'])('refuses a place where no folder can be made: %s', async (path) => {
    await expect(openLmdbStore({ path })).rejects.toMatchObject({ code: 'invalid-argument', details: { path: 'path', value: path } })
  })

  describe('on a full disk', () => {
    // Two of them fill a page.
    const value = 'x'.repeat(1500)
    const large = 'x'.repeat(500_000)
    let path: string
    let store: StateStore
    let other: StateStore

    beforeEach(async () => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory])
      // lmdb also prints such errors.
      vi.spyOn(console, 'error').mockImplementation(() => {})
      path = join(directory, 'state.mdb')
      store = await openLmdbStore({ path })
      other = await openLmdbStore({ path })
      await writeFile(join(directory, 'others'), Buffer.alloc(1_500_000))
    })

    afterEach(async () => {
      await store.close()
      await other.close()
      vi.restoreAllMocks()
      execFileSync('umount', [directory])
    })

    const reserve = async (): Promise<number | undefined> => (await stat(`${path}.reserve`).catch(() => undefined))?.size
    const keys = async (): Promise<string[]> => (await store.list('')).map(({ key }) => key)
    const noSpace = () => expect.objectContaining({ code: 'no-space', details: { path } })

    /** Leaves no byte to anybody; gives how many entries the store could keep. */
    async function fill(): Promise<number> {
      let kept = 0
      const puts = async (): Promise<void> => {
        for (; kept < 2000; kept += 5) await store.commit({ puts: [0, 1, 2, 3, 4].map((more) => ({ key: `k${kept + more}`, value })) })
      }
      await expect(puts()).rejects.toEqual(noSpace())
      await takeRest()
      return kept
    }

    async function takeRest(): Promise<void> {
      for (;;) {
        const { bavail, bsize } = await statfs(directory)
        if (bavail === 0) return
        await appendFile(join(directory, 'others'), Buffer.alloc(bavail * bsize)).catch(() => {})
      }
    }

    it('says so, keeps what it has, and goes on when there is room', async () => {
      const kept = await fill()
      const several = await Promise.allSettled([1, 2, 3].map((at) => store.commit({ puts: [{ key: `m${at}`, value: large }] })))
      expect(several.map((outcome) => outcome.status === 'rejected' && (outcome.reason as { code: string }).code)).toEqual(
        Array(3).fill('no-space'),
      )
      expect(kept).toBeGreaterThan(300)
      expect(await keys()).toHaveLength(kept)
      await rm(join(directory, 'others'))
      await store.commit({ deletes: ['k0', 'k1', 'k2', 'k3', 'k4'] })
      await store.commit({ puts: [{ key: 'again', value }] })
      await store.close()
      const reopened = await openLmdbStore({ path })
      expect(await reopened.list('')).toHaveLength(kept - 4)
      await reopened.close()
    })

    it('keeps nobody from removing, by a reserve that is made again when there is room', async () => {
      await expect.poll(reserve).toBe(256 << 10)
      const kept = await fill()
      expect(await reserve()).toBe(256 << 10)
      // In so many pages that lmdb's free ones are not enough.
      const first = (await keys()).filter((_, at) => at % 10 === 0).slice(0, 40)
      await store.commit({ deletes: first })
      expect(await reserve()).toBeUndefined()
      await takeRest()
      await expect(store.commit({ puts: [{ key: 'large', value: large }] })).rejects.toEqual(noSpace())
      // The pages that a removal frees are enough for the next one, also of somebody who finds no reserve.
      const left = await keys()
      expect(left).toHaveLength(kept - 40)
      for (let at = 0; at < left.length; at += 5) {
        await (at % 2 === 0 ? store : other).commit({ deletes: left.slice(at, at + 5) })
        await takeRest()
      }
      expect(await keys()).toEqual([])
      await rm(join(directory, 'others'))
      const afterCommit = async (): Promise<number | undefined> => {
        await store.commit({ puts: [{ key: 'again', value }] })
        return reserve()
      }
      await expect.poll(afterCommit).toBe(256 << 10)
    })

    it('refuses to make a new store, which would be the end of the process', async () => {
      await takeRest()
      const another = join(directory, 'new', 'state.mdb')
      await expect(openLmdbStore({ path: another })).rejects.toEqual(
        expect.objectContaining({ code: 'no-space', details: { path: another } }),
      )
      // One that is there can be opened, and read.
      await (await openLmdbStore({ path })).close()
    })

    it('gives no reserve away for what adds something', async () => {
      await expect.poll(reserve).toBe(256 << 10)
      await fill()
      for (const at of [1, 2, 3]) await expect(store.commit({ puts: [{ key: `new${at}`, value: large }] })).rejects.toEqual(noSpace())
      expect(await reserve()).toBe(256 << 10)
    })
  })

  it('makes a reserve only for what lasts, fills up one that was cut off, and does without', async () => {
    const path = join(directory, 'state.mdb')
    await writeFile(`${path}.reserve`, 'half')
    await (await openLmdbStore({ path })).close()
    expect((await stat(`${path}.reserve`)).size).toBe(256 << 10)
    await rm(`${path}.reserve`)
    await mkdir(`${path}.reserve`)
    const store = await openLmdbStore({ path })
    await store.commit({ puts: [{ key: 'a', value: 1 }] })
    await store.close()
    const live = join(directory, 'live.mdb')
    await (await openLmdbStore({ path: live, durable: false })).close()
    expect(await readdir(directory)).not.toContain('live.mdb.reserve')
  })

  it('a store of live state is not durable', async () => {
    const store = await openLmdbStore({ path: join(directory, 'live.mdb'), durable: false })
    expect(store.traits).toEqual({ durable: false, shared: true })
    const live = new LiveState(store)
    for (let pid = 1; pid <= 300; pid++) await live.set('container', 'a', { pid })
    expect(await live.get('container', 'a')).toEqual({ pid: 300 })
    await store.close()
  })

  it('lists 10,000 summaries in pages, and lets the event loop turn between them; a creation beside them reads none', {
    timeout: 60_000,
  }, async () => {
    const store = await openLmdbStore({ path: join(directory, 'state.mdb') })
    const registry = new Registry(store, { kinds: [{ kind: 'container', nameScope: 'container', format: 1 }] })
    const summary = { image: 'localhost/a:1', text: 'x'.repeat(500), ports: [80, 443] }
    const draft = (id: string) => ({ id, names: [`name-${id}`], links: [], body: { text: 'y'.repeat(2500) }, summary })
    const ids = Array.from({ length: 10_000 }, (_, at) => digestId(at))
    for (let at = 0; at < ids.length; at += 100)
      await registry.commit(ids.slice(at, at + 100).map((id) => ({ type: 'create', kind: 'container', draft: draft(id) })))
    const [get, list, commit] = [vi.spyOn(store, 'get'), vi.spyOn(store, 'list'), vi.spyOn(store, 'commit')]
    const listed: string[] = []
    let turned = true
    for await (const page of registry.iterate('container')) {
      expect(page.length).toBeLessThanOrEqual(500)
      listed.push(...page.map(({ id }) => id))
      // Set by the next turn of the loop: who went on at once would not find it.
      expect(turned).toBe(true)
      turned = false
      setImmediate(() => (turned = true))
    }
    expect(listed).toEqual(ids.sort())
    expect(list).toHaveBeenCalledTimes(21)
    expect(get).not.toHaveBeenCalled()
    await registry.create('container', draft(digestId(-1)))
    expect(list, 'a creation reads only keys of its own').toHaveBeenCalledTimes(21)
    expect(get.mock.calls.flat(2).length).toBeLessThan(5)
    expect(commit).toHaveBeenCalledTimes(1)
    await store.close()
  })
})

function digestId(at: number): string {
  return createHash('sha256').update(String(at)).digest('hex')
}
