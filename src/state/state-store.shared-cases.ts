import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StateStoreCase, StateStorePeer } from './state-store.case-types.ts'
import type { StateStore } from './state-store.ts'

/** Stalls of the event loop that a store may cause beyond those that were there anyway. */
const maxStallMs = 50

/** The cases for stores that several processes may have open. Their jobs are in `state-store.peer.ts`. */
export const sharedStateStoreCases: readonly StateStoreCase[] = [
  {
    name: 'four processes that count together count right',
    requires: 'shared',
    async run({ open, spawnPeer, scale, report }) {
      const store = await open()
      await store.commit({ puts: [{ key: 'counter', value: 0 }] })
      const times = Math.ceil(250 * scale)
      const peers = await Promise.all(Array.from({ length: 4 }, () => spawnPeer('increment', { times })))
      await Promise.all(peers.map(({ started }) => started))
      const begin = performance.now()
      await Promise.all(peers.map(({ result }) => result))
      report(`4 processes, ${times} read-modify-write commits each: ${Math.round(performance.now() - begin)} ms`)
      assert.equal((await store.get(['counter']))[0]?.value, 4 * times)
      await store.close()
    },
  },
  {
    name: 'shows at once what another process has committed',
    requires: 'shared',
    async run({ open, spawnPeer }) {
      const store = await open()
      assert.deepEqual(await store.get(['echo']), [undefined])
      const peer = await spawnPeer('echo', { rounds: 50 })
      for (let round = 1; round <= 50; round++) {
        await store.commit({ puts: [{ key: 'call', value: round }] })
        while ((await store.get(['echo']))[0]?.value !== round) await sleep(1)
      }
      assert.equal(await peer.result, 50)
      await store.close()
    },
  },
  {
    name: 'a writer killed at any moment leaves nothing torn and nobody waiting',
    requires: 'shared',
    async run({ open, spawnPeer, takeoverMs, report }) {
      const store = await open()
      let slowest = 0
      for (let round = 0; round < 10; round++) {
        const writers = await Promise.all(Array.from({ length: 3 }, (_, at) => spawnPeer('fill', { name: `w${at}`, keys: 100 })))
        await Promise.all(writers.map(({ started }) => started))
        for (const writer of writers) {
          await sleep(Math.random() * 20)
          await writer.kill()
        }
        const begin = performance.now()
        await store.commit({ puts: [{ key: 'after', value: round }] })
        slowest = Math.max(slowest, performance.now() - begin)
        for (const at of [0, 1, 2]) {
          const values = new Set((await store.list(`w${at}/`)).map(({ value }) => value))
          assert.ok(values.size <= 1, `a commit of writer ${at} was torn in round ${round}`)
          assert.ok([0, 100].includes((await store.list(`w${at}/`)).length))
        }
      }
      report(`30 writers killed: the slowest commit after one took ${slowest.toFixed(1)} ms`)
      assert.ok(slowest < takeoverMs, `a commit waited ${slowest} ms for a dead writer`)
      await store.close()
    },
  },
  {
    name: 'who links to an object and who removes it never both win',
    requires: 'shared',
    async run({ open, spawnPeer, scale, report }) {
      const store = await open()
      await store.commit({ puts: [{ key: 'object/target', value: null }] })
      const rounds = Math.ceil(10_000 * scale)
      const [linker, remover] = [await spawnPeer('link', { rounds }), await spawnPeer('unlink', {})]
      const outcome = (await linker.result) as { linked: number; refused: number; dangling: number }
      const removed = await stop(store, remover)
      report(`${rounds} rounds: linked ${outcome.linked}, refused ${outcome.refused}, removed ${removed}`)
      assert.equal(outcome.linked + outcome.refused, rounds)
      assert.equal(outcome.dangling, 0)
      assert.ok(outcome.linked > 0 && removed > 0, 'the two never met')
      await store.close()
    },
  },
  {
    name: 'writers elsewhere do not stall the event loop here',
    requires: 'shared',
    async run({ open, spawnPeer, report }) {
      const store = await open()
      const writers = await Promise.all(Array.from({ length: 3 }, (_, at) => spawnPeer('fill', { name: `w${at}`, keys: 100 })))
      await Promise.all(writers.map(({ started }) => started))
      const idle = await longestDelay(() => sleep(1000))
      const busy = await longestDelay(async () => {
        const end = performance.now() + 1000
        for (let round = 0; performance.now() < end; round++) {
          await store.commit({ puts: [{ key: `mine/${round % 100}`, value: round }] })
          await store.get(['w0/0', 'mine/0'])
          await store.list('mine/', { limit: 100 })
        }
      })
      for (const writer of writers) await writer.kill()
      report(`longest delay of the event loop beside 3 writers: ${busy.toFixed(1)} ms (without work here: ${idle.toFixed(1)} ms)`)
      assert.ok(busy - idle < maxStallMs, `the event loop stood still for ${busy} ms`)
      await store.close()
    },
  },
  {
    name: 'a writer that stands still in the middle stalls promises, not the event loop',
    requires: 'shared',
    async run({ open, spawnPeer, report }) {
      const store = await open()
      const writer = await spawnPeer('fill', { name: 'w', keys: 100 })
      await writer.started
      let longest = 0
      let waited = 0
      for (let round = 0; round < 8; round++) {
        await sleep(20 + Math.random() * 20)
        process.kill(writer.pid, 'SIGSTOP')
        let committed = false
        const commit = store.commit({ puts: [{ key: 'mine', value: round }] }).finally(() => {
          committed = true
        })
        longest = Math.max(longest, await longestDelay(() => sleep(150)))
        if (!committed) waited++
        process.kill(writer.pid, 'SIGCONT')
        await commit
      }
      await writer.kill()
      report(`8 times behind a stopped writer: ${waited} commits waited for it, longest delay ${longest.toFixed(1)} ms`)
      assert.ok(longest < maxStallMs + 50, `the event loop stood still for ${longest} ms`)
      await store.close()
    },
  },
]

/** Tells the remover to end, and gives how often it won. */
async function stop(store: StateStore, remover: StateStorePeer): Promise<number> {
  await store.commit({ puts: [{ key: 'stop', value: true }] })
  return Number(await remover.result)
}

async function longestDelay(work: () => Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await work()
  // Lets the last delay be seen.
  await sleep(5)
  histogram.disable()
  return histogram.max / 1e6
}
