import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ErrorCode, isLibpodError } from '../base/errors.ts'
import type { SnapshotterCase, SnapshotterCaseContext } from './snapshotter.case-types.ts'
import { mountedSnapshotterCases } from './snapshotter.mounted-cases.ts'
import { commitTestLayer } from './snapshotter.peer.ts'
import { sharedSnapshotterCases } from './snapshotter.shared-cases.ts'
import type { Snapshotter } from './snapshotter.ts'

/** Asserts that a promise rejects with an error of this code. */
async function assertRejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(isLibpodError(error, code), `expected ${code}, got ${String(error)}`)
    return true
  })
}

function snapshotCase(name: string, body: (snapshots: Snapshotter, context: SnapshotterCaseContext) => Promise<void>): SnapshotterCase {
  return { name, run: async (context) => body(await context.open(), context) }
}

/** State, name and parent of all, in order. */
async function listed(snapshots: Snapshotter): Promise<string[]> {
  const lines: string[] = []
  for await (const { state, name, parent = '-' } of snapshots.list()) lines.push(`${state} ${name} ${parent}`)
  return lines.sort()
}

const oddNames = [
  '',
  '.',
  '..',
  '/',
  '../../escaped',
  'a/b',
  ' ',
  'ü😀',
  '\n',
  '\u0000',
  'x'.repeat(5000),
  `sha256:${'f'.repeat(64)}`,
  '__proto__',
]

const singleProcessCases: readonly SnapshotterCase[] = [
  snapshotCase('makes, commits, lists and removes snapshots', async (snapshots, { countInodes }) => {
    const empty = await countInodes()
    const before = Date.now()
    assert.deepEqual(await listed(snapshots), [])
    await snapshots.prepare('making')
    const active = await snapshots.stat('making')
    assert.ok(active)
    assert.deepEqual(active, { name: 'making', state: 'active', createdAt: active.createdAt })
    assert.ok(Math.abs(active.createdAt.getTime() - before) < 60_000)
    await snapshots.commit('base', 'making')
    assert.equal(await snapshots.stat('making'), undefined)
    assert.equal((await snapshots.stat('base'))?.state, 'committed')
    await snapshots.prepare('container', { parent: 'base' })
    assert.equal((await snapshots.stat('container'))?.parent, 'base')
    assert.deepEqual(await listed(snapshots), ['active container base', 'committed base -'])
    await snapshots.commit('top', 'container')
    assert.deepEqual(await listed(snapshots), ['committed base -', 'committed top base'])
    for await (const info of snapshots.list()) assert.deepEqual(info, await snapshots.stat(info.name))
    await snapshots.remove('top')
    await snapshots.remove('base')
    assert.deepEqual(await listed(snapshots), [])
    assert.equal(await countInodes(), empty)
  }),
  snapshotCase('takes names of any kind', async (snapshots, { countInodes }) => {
    const empty = await countInodes()
    for (const name of oddNames) await snapshots.prepare(name)
    assert.deepEqual(await listed(snapshots), oddNames.map((name) => `active ${name} -`).sort())
    for (const name of oddNames) await snapshots.commit(`${name}!`, name)
    for (const name of oddNames) assert.equal((await snapshots.stat(`${name}!`))?.name, `${name}!`)
    for (const name of oddNames) await snapshots.remove(`${name}!`)
    assert.equal(await countInodes(), empty)
  }),
  snapshotCase('a name is taken by whatever has it', async (snapshots, { countInodes }) => {
    await commitTestLayer(snapshots, 'committed', { file: 'text' })
    await snapshots.prepare('active')
    const before = [await listed(snapshots), await countInodes()]
    await assertRejects(snapshots.prepare('active'), 'already-exists')
    await assertRejects(snapshots.prepare('active', { parent: 'committed' }), 'already-exists')
    await assertRejects(snapshots.prepare('committed'), 'already-exists')
    assert.deepEqual([await listed(snapshots), await countInodes()], before)
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => snapshots.prepare('one', { parent: 'committed' })))
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    await snapshots.remove('one')
    assert.deepEqual([await listed(snapshots), await countInodes()], before)
  }),
  snapshotCase('stands only on what is committed', async (snapshots, { countInodes }) => {
    await snapshots.prepare('active')
    const before = await countInodes()
    await assertRejects(snapshots.prepare('a', { parent: 'missing' }), 'not-found')
    await assertRejects(snapshots.prepare('a', { parent: 'active' }), 'not-found')
    await assertRejects(snapshots.prepare('a', { parent: 'a' }), 'not-found')
    assert.equal(await countInodes(), before)
    assert.deepEqual(await listed(snapshots), ['active active -'])
  }),
  snapshotCase('knows nothing of what is missing, and does not mind removing it', async (snapshots) => {
    assert.equal(await snapshots.stat('missing'), undefined)
    await snapshots.remove('missing')
    await assertRejects(snapshots.mounts('missing'), 'not-found')
    await assertRejects(snapshots.layers('missing'), 'not-found')
    await assertRejects(snapshots.usage('missing'), 'not-found')
    await assertRejects(snapshots.extractTarget('missing'), 'not-found')
    await assertRejects(snapshots.commit('new', 'missing'), 'not-found')
  }),
  snapshotCase('what is committed does not change any more', async (snapshots) => {
    await commitTestLayer(snapshots, 'a', { file: 'text' })
    await assertRejects(snapshots.commit('b', 'a'), 'invalid-state')
    await assertRejects(snapshots.extractTarget('a'), 'invalid-state')
    assert.deepEqual(await listed(snapshots), ['committed a -'])
  }),
  snapshotCase('committing under a name that is there drops the active one', async (snapshots, { countInodes }) => {
    await commitTestLayer(snapshots, 'a', { file: 'first' })
    const [before, inodes] = [await snapshots.stat('a'), await countInodes()]
    await commitTestLayer(snapshots, 'a', { file: 'second', more: '' })
    assert.deepEqual(await snapshots.stat('a'), before)
    assert.deepEqual(await listed(snapshots), ['committed a -'])
    assert.equal(await countInodes(), inodes)
    await Promise.all(['x', 'y', 'z'].map((name) => snapshots.prepare(name)))
    await Promise.all(['x', 'y', 'z'].map((name) => snapshots.commit('b', name)))
    assert.deepEqual(await listed(snapshots), ['committed a -', 'committed b -'])
  }),
  snapshotCase('what has others on top of it stays', async (snapshots) => {
    await commitTestLayer(snapshots, 'a', { file: 'text' })
    await commitTestLayer(snapshots, 'b', { file: 'text' }, 'a')
    await snapshots.prepare('c', { parent: 'a' })
    await assert.rejects(snapshots.remove('a'), (error) => {
      assert.ok(isLibpodError(error, 'in-use'))
      assert.deepEqual([...error.details.users].sort(), ['snapshot/b', 'snapshot/c'])
      return true
    })
    assert.deepEqual(await listed(snapshots), ['active c a', 'committed a -', 'committed b a'])
    assert.ok((await snapshots.mounts('c')).length > 0)
    await snapshots.remove('c')
    await assertRejects(snapshots.remove('a'), 'in-use')
    await snapshots.remove('b')
    await Promise.all([snapshots.remove('a'), snapshots.remove('a')])
    assert.deepEqual(await listed(snapshots), [])
  }),
  snapshotCase('counts what a snapshot takes', async (snapshots) => {
    await snapshots.prepare('a')
    const before = await snapshots.usage('a')
    const { path } = await snapshots.extractTarget('a')
    for (const name of ['x', 'y', 'z']) await writeFile(join(path, name), Buffer.alloc(1000))
    const expected = { sizeBytes: before.sizeBytes + 3000, inodes: before.inodes + 3 }
    assert.deepEqual(await snapshots.usage('a'), expected)
    await snapshots.commit('b', 'a')
    for (let time = 0; time < 2; time++) assert.deepEqual(await snapshots.usage('b'), expected)
  }),
  snapshotCase('gives the directories of the tree, topmost first', async (snapshots) => {
    await commitTestLayer(snapshots, 'a', { a: '' })
    await commitTestLayer(snapshots, 'b', { b: '' }, 'a')
    await snapshots.prepare('c', { parent: 'b' })
    const layers = await snapshots.layers('c')
    assert.equal(layers[0], (await snapshots.extractTarget('c')).path)
    // A driver of whole trees has only one.
    if (layers.length > 1) assert.deepEqual(layers.slice(1), await snapshots.layers('b'))
    const found = layers.flatMap((layer) => readdirSync(layer))
    assert.deepEqual([...new Set(found)].sort(), ['a', 'b'])
  }),
  snapshotCase('an abort rejects with the reason, and leaves nothing', async (snapshots, { countInodes }) => {
    const reason = { why: 'enough' }
    const signal = AbortSignal.abort(reason)
    await commitTestLayer(snapshots, 'a', { file: 'text' })
    await snapshots.prepare('b')
    const before = [await listed(snapshots), await countInodes()]
    await assert.rejects(snapshots.prepare('c', { parent: 'a', signal }), (error) => error === reason)
    await assert.rejects(snapshots.commit('c', 'b', { signal }), (error) => error === reason)
    assert.deepEqual([await listed(snapshots), await countInodes()], before)
    await snapshots.commit('c', 'b')
  }),
  snapshotCase('several may have it open', async (snapshots, { open }) => {
    const other = await open()
    await commitTestLayer(snapshots, 'a', { file: 'text' })
    await other.prepare('b', { parent: 'a' })
    assert.deepEqual(await listed(snapshots), await listed(other))
    await assertRejects(snapshots.remove('a'), 'in-use')
    await snapshots.remove('b')
    await other.remove('a')
    assert.deepEqual(await listed(snapshots), [])
  }),
  {
    name: 'says when the disk is full, and leaves nothing half-made',
    requires: 'small',
    async run({ openSmall }) {
      assert.ok(openSmall)
      const snapshots = await openSmall()
      await snapshots.prepare('a')
      const { path } = await snapshots.extractTarget('a')
      await assert.rejects(writeFile(join(path, 'file'), Buffer.alloc(8 << 20)), { code: 'ENOSPC' })
      await assertRejects(snapshots.prepare('b'), 'no-space')
      await assertRejects(snapshots.commit('b', 'a'), 'no-space')
      assert.deepEqual(await listed(snapshots), ['active a -'])
      await writeFile(join(path, 'file'), 'short')
      await snapshots.commit('b', 'a')
      assert.deepEqual(await listed(snapshots), ['committed b -'])
    },
  },
]

/** The conformance cases of the contract {@link Snapshotter}: an implementation's test runs those that it meets the requirements of. @public */
export const snapshotterCases: readonly SnapshotterCase[] = [...singleProcessCases, ...mountedSnapshotterCases, ...sharedSnapshotterCases]
