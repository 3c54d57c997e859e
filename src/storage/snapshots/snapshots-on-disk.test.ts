import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Logger } from '../../base/logger.ts'
import { directTreeWork } from '../test-support/direct-tree-work.ts'
import type { LocalSnapshotter } from './directory-snapshotter.ts'
import { openSnapshotter } from './open-snapshotter.ts'
import { openOverlaySnapshotter } from './overlay/overlay-snapshotter.ts'
import { SnapshotFiles } from './snapshot-files.ts'
import type { TreeWork } from './tree-work.ts'

let root: string
let synced: string[]
const work: TreeWork = {
  ...directTreeWork,
  async sync(path) {
    synced.push(path)
  },
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'libpod-ts-snapshot-files-'))
  synced = []
})

afterEach(() => rm(root, { recursive: true }))

/** As after a power cut: what was committed in this boot was committed in another one. */
async function reboot(): Promise<void> {
  const committed = join(root, 'committed')
  for (const id of await readdir(committed)) {
    const path = join(committed, id, 'committed.json')
    const stored = JSON.parse(await readFile(path, 'utf8')) as { unsynced?: string }
    if (stored.unsynced !== undefined) await writeFile(path, JSON.stringify({ ...stored, unsynced: 'another boot' }))
  }
}

async function commit(snapshots: LocalSnapshotter, name: string, parent?: string): Promise<void> {
  await snapshots.prepare(`making-${name}`, parent === undefined ? {} : { parent })
  await snapshots.commit(name, `making-${name}`)
}

describe('a snapshot that was committed before a power cut', () => {
  /** Nothing ever gets to the disk. */
  const openUnsynced = (): LocalSnapshotter =>
    openOverlaySnapshotter({ root, work: { ...work, sync: () => Promise.reject(new Error('no')) } })

  it('is trusted when its files were on the disk', async () => {
    const before = openOverlaySnapshotter({ root, work })
    await commit(before, 'a')
    await before.settled()
    expect(synced).toEqual([expect.stringContaining(join(root, 'committed'))])
    await reboot()
    const after = openOverlaySnapshotter({ root, work })
    expect(await after.stat('a')).toMatchObject({ name: 'a', state: 'committed' })
    await after.prepare('b', { parent: 'a' })
  })

  it('is trusted in the same boot before that, and who opens it next makes up for it', async () => {
    const snapshots = openUnsynced()
    await commit(snapshots, 'a')
    await snapshots.settled()
    expect(await openUnsynced().stat('a')).toMatchObject({ state: 'committed' })
    await openOverlaySnapshotter({ root, work }).settled()
    expect(synced).toHaveLength(1)
    await reboot()
    expect(await openOverlaySnapshotter({ root, work }).stat('a')).toMatchObject({ state: 'committed' })
  })

  it('is not there when they were not, and can be removed', async () => {
    const before = openUnsynced()
    await commit(before, 'a')
    await before.settled()
    await reboot()
    expect(new SnapshotFiles(root).find('committed', 'a')).toBeUndefined()
    const after = openOverlaySnapshotter({ root, work })
    expect(await after.stat('a')).toBeUndefined()
    for (const use of [after.mounts('a'), after.layers('a'), after.usage('a'), after.prepare('b', { parent: 'a' })])
      await expect(use).rejects.toMatchObject({ code: 'not-found' })
    await after.remove('a')
    await after.settled()
    expect(await readdir(join(root, 'committed'))).toEqual([])
    expect(await readdir(join(root, 'trash'))).toEqual([])
  })

  it('makes room for one that is made anew', async () => {
    const before = openUnsynced()
    await commit(before, 'a')
    await before.settled()
    await reboot()
    const after = openOverlaySnapshotter({ root, work })
    await commit(after, 'a')
    await after.settled()
    expect(await after.stat('a')).toMatchObject({ state: 'committed' })
    expect(await readdir(join(root, 'committed'))).toHaveLength(1)
    await reboot()
    expect(await openOverlaySnapshotter({ root, work }).stat('a')).toMatchObject({ state: 'committed' })
  })

  it('tells when its files cannot be brought to the disk', async () => {
    const warnings: string[] = []
    const logger: Logger = { debug() {}, warn: (text) => void warnings.push(text), error() {} }
    const sync = (): Promise<void> => Promise.reject(new Error('input/output error'))
    const snapshots = openOverlaySnapshotter({ root, logger, work: { ...work, sync } })
    await commit(snapshots, 'a')
    await snapshots.settled()
    expect(warnings).toEqual([expect.stringContaining('input/output error')])
  })
})

describe('the directories of a snapshotter', () => {
  it('are private to their owner', async () => {
    openOverlaySnapshotter({ root: join(root, 'deep', 'er'), work })
    for (const name of ['deep', 'deep/er', 'deep/er/active', 'deep/er/new']) expect((await stat(join(root, name))).mode & 0o777).toBe(0o700)
  })

  it('are cleared of what lost its maker, and not of what is being made', async () => {
    let go = (): void => {}
    const waiting = new Promise<void>((resolve) => {
      go = resolve
    })
    const { snapshots } = await openSnapshotter({ root, driver: 'vfs', work: { ...work, copy: () => waiting } })
    await commit(snapshots, 'a')
    const making = snapshots.prepare('b', { parent: 'a' })
    await expect.poll(() => readdir(join(root, 'vfs/new'))).toHaveLength(1)
    for (const name of ['new/dead/fs', 'trash/gone/fs']) await mkdir(join(root, 'vfs', name), { recursive: true })
    // Who looks while another builds on it must not remove it either.
    await expect(snapshots.remove('a')).rejects.toMatchObject({ code: 'in-use' })
    const other = (await openSnapshotter({ root, driver: 'vfs', work })).snapshots
    await other.settled()
    expect(await readdir(join(root, 'vfs/trash'))).toEqual([])
    expect(await readdir(join(root, 'vfs/new'))).toHaveLength(1)
    go()
    await making
    expect(await other.stat('b')).toMatchObject({ state: 'active', parent: 'a' })
    expect(await readdir(join(root, 'vfs/new'))).toEqual([])
  })

  it('are as they were when making one fails or is aborted', async () => {
    const reason = { why: 'enough' }
    const controller = new AbortController()
    const copy = (_from: string, _to: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> =>
      new Promise((_resolve, reject) => {
        options?.signal?.addEventListener('abort', () => reject(new Error('killed')))
        controller.abort(reason)
      })
    const { snapshots } = await openSnapshotter({ root, driver: 'vfs', work: { ...work, copy } })
    await commit(snapshots, 'a')
    const making = snapshots.prepare('b', { parent: 'a', signal: controller.signal })
    await expect(making).rejects.toBe(reason)
    await snapshots.settled()
    for (const name of ['new', 'trash', 'active']) expect(await readdir(join(root, 'vfs', name))).toEqual([])
    await snapshots.remove('a')
  })
})

describe('overlay', () => {
  it('has as many layers as fit into one mount, and says so when there are more', async () => {
    const snapshots = openOverlaySnapshotter({ root, work })
    for (let at = 0; at < 200; at++) await commit(snapshots, `layer${at}`, at === 0 ? undefined : `layer${at - 1}`)
    expect(await snapshots.mounts('layer127')).toHaveLength(1)
    await expect(snapshots.mounts('layer199')).rejects.toMatchObject({ code: 'unsupported', details: { what: '200 layers' } })
    await snapshots.settled()
  })

  it('is chosen where it works, and vfs where it does not, with the reason', async () => {
    const works = await openSnapshotter({ root: join(root, 'a'), work })
    expect([works.snapshots.driver, works.reason]).toEqual(['overlay', undefined])
    let probes = 0
    const probeOverlay: TreeWork['probeOverlay'] = async () => {
      probes++
      return { works: false, reason: 'no such file system' }
    }
    // What was found once is known.
    expect((await openSnapshotter({ root: join(root, 'a'), work: { ...work, probeOverlay } })).snapshots.driver).toBe('overlay')
    expect(probes).toBe(0)
    const fails = await openSnapshotter({ root: join(root, 'b'), work: { ...work, probeOverlay } })
    expect([fails.snapshots.driver, fails.reason]).toEqual(['vfs', 'overlay does not work here: no such file system'])
    // What did not work may work tomorrow.
    expect((await openSnapshotter({ root: join(root, 'b'), work })).snapshots.driver).toBe('overlay')
  })
})
