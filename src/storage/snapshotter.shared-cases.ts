import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SnapshotterCase } from './snapshotter.case-types.ts'
import { commitTestLayer } from './snapshotter.peer.ts'
import type { SnapshotInfo, Snapshotter } from './snapshotter.ts'

async function all(snapshots: Snapshotter): Promise<SnapshotInfo[]> {
  const infos: SnapshotInfo[] = []
  for await (const info of snapshots.list()) infos.push(info)
  return infos
}

/** Asserts that what killed processes left is whole: everything has what it stands on, what is committed has its files. */
async function assertWhole(snapshots: Snapshotter): Promise<number> {
  const infos = await all(snapshots)
  for (const { name, state, parent } of infos) {
    assert.equal((await snapshots.stat(name))?.state, state)
    if (parent !== undefined) assert.equal((await snapshots.stat(parent))?.state, 'committed', `${name} stands on nothing`)
    const [own = ''] = await snapshots.layers(name)
    assert.ok((await snapshots.mounts(name)).length > 0)
    if (state === 'committed') for (const file of ['first', 'last']) assert.equal(await readFile(join(own, file), 'utf8'), name)
  }
  return infos.length
}

/** Removes all, those on top first. */
async function removeAll(snapshots: Snapshotter): Promise<void> {
  for (let infos = await all(snapshots); infos.length > 0; infos = await all(snapshots)) {
    const parents = new Set(infos.map(({ parent }) => parent))
    for (const { name, state } of infos) if (state === 'active' || !parents.has(name)) await snapshots.remove(name)
  }
}

/** The cases for which other processes are needed. Their jobs are in `snapshotter.peer.ts`. */
export const sharedSnapshotterCases: readonly SnapshotterCase[] = [
  {
    name: 'of two processes that make the same snapshot, one does',
    async run({ directory, open, spawnPeer }) {
      const snapshots = await open()
      const input = { name: 'one', rounds: 300, path: join(directory, 'alone') }
      const peers = await Promise.all([spawnPeer('contend', input), spawnPeer('contend', input)])
      for (const { result } of peers) assert.equal(await result, 0, 'both had it')
      assert.deepEqual(await all(snapshots), [])
    },
  },
  {
    name: 'who builds on a snapshot and who removes it never both win',
    async run({ open, spawnPeer, report, countInodes }) {
      const snapshots = await open()
      const empty = await countInodes()
      await commitTestLayer(snapshots, 'parent', { file: 'text' })
      const remover = await spawnPeer('orphan', {})
      await remover.started
      const rounds = 300
      const builder = await spawnPeer('adopt', { rounds })
      const outcome = (await builder.result) as { made: number; refused: number; broken: number }
      await snapshots.prepare('stop')
      const removed = Number(await remover.result)
      report(`${rounds} rounds: refused ${outcome.refused} times, removed ${removed} times`)
      assert.equal(outcome.made, rounds)
      assert.equal(outcome.broken, 0)
      assert.ok(outcome.refused > 0 && removed > 0, 'the two never met')
      assert.deepEqual((await all(snapshots)).map(({ name }) => name).sort(), ['parent', 'stop'])
      await removeAll(snapshots)
      assert.equal(await countInodes(), empty)
    },
  },
  {
    name: 'processes killed at any moment leave nothing half-made in sight, and nothing out of sight for long',
    async run({ open, spawnPeer, report, countInodes }) {
      const first = await open()
      const empty = await countInodes()
      let seen = 0
      for (let round = 0; round < 10; round++) {
        const peers = await Promise.all([1, 2].map((at) => spawnPeer('churn', { name: `${round}.${at}` })))
        await Promise.all(peers.map(({ started }) => started))
        for (const peer of peers) {
          await sleep(20 + Math.random() * 60)
          await peer.kill()
        }
        seen = await assertWhole(first)
      }
      const again = await open()
      assert.equal(await assertWhole(again), seen)
      await removeAll(again)
      report(`20 processes killed: ${seen} snapshots left, all whole`)
      assert.equal(await countInodes(), empty)
    },
  },
]
