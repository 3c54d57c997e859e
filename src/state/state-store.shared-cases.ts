import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StateStoreCase, StateStorePeer } from './state-store.case-types.ts'
import type { StateStore } from './state-store.ts'

/** How long another process stands still with the right to write. */
const standStillSeconds = 3

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
    name: 'beside writers elsewhere each page is of one moment, and the event loop turns during commits',
    requires: 'shared',
    async run({ open, spawnPeer, scale }) {
      const store = await open()
      const writers = await Promise.all(Array.from({ length: 3 }, (_, at) => spawnPeer('fill', { name: `w${at}`, keys: 100 })))
      await Promise.all(writers.map(({ started }) => started))
      const rounds = Math.ceil(300 * scale)
      let turns = 0
      for (let round = 0; round < rounds; round++) {
        let turned = false
        setImmediate(() => {
          turned = true
        })
        await store.commit({ puts: [{ key: `mine/${round % 100}`, value: round }] })
        if (turned) turns++
        assert.equal((await store.get([`mine/${round % 100}`]))[0]?.value, round)
        const values = new Set((await store.list(`w${round % 3}/`, { limit: 100 })).map(({ value }) => value))
        assert.ok(values.size <= 1, `the page of round ${round} shows ${values.size} commits at once`)
      }
      for (const writer of writers) await writer.kill()
      // Not always: the next thing the loop sees may be the end of the commit.
      assert.ok(turns > rounds / 4, `in ${rounds} commits the loop turned ${turns} times`)
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
      const { waitedMs, turns, longestMs } = await waitForOneThatStands(store, writer)
      await writer.kill()
      report(`a commit waited ${waitedMs} ms for a writer that stood still; the loop turned ${turns} times, at most ${longestMs} ms apart`)
      // A loop that is held up turns once or twice; one that is free, on a slow or busy machine, still every 100 ms.
      assert.ok(turns > waitedMs / 100, `within ${waitedMs} ms the event loop turned ${turns} times`)
      assert.ok(longestMs < waitedMs / 2, `within ${waitedMs} ms the event loop stood still for ${longestMs} ms`)
      await store.close()
    },
  },
]

/** Tells the remover to end, and gives how often it won. */
async function stop(store: StateStore, remover: StateStorePeer): Promise<number> {
  await store.commit({ puts: [{ key: 'stop', value: true }] })
  return Number(await remover.result)
}

/** Lets the writer stand still until a commit here is seen to wait for it, and tells how the event loop turned meanwhile. */
async function waitForOneThatStands(
  store: StateStore,
  { pid }: StateStorePeer,
): Promise<{ waitedMs: number; turns: number; longestMs: number }> {
  for (let attempt = 1; attempt <= 100; attempt++) {
    await sleep(20 + Math.random() * 20)
    // Somebody else wakes it: a store that held up the loop here would hold it up for ever.
    const waker = spawn('sh', ['-c', `sleep ${standStillSeconds}; kill -CONT ${pid}`], { stdio: 'ignore', detached: true })
    try {
      process.kill(pid, 'SIGSTOP')
      const watch = watchLoop()
      const begin = performance.now()
      await store.commit({ puts: [{ key: 'mine', value: attempt }] })
      const waitedMs = Math.round(performance.now() - begin)
      const seen = watch()
      // Else it was stopped between two commits. A store need not wait for ever for one that looks dead.
      if (waitedMs > 500) return { waitedMs, ...seen }
    } finally {
      if (waker.exitCode === null && waker.pid !== undefined) process.kill(-waker.pid, 'SIGKILL')
      process.kill(pid, 'SIGCONT')
    }
  }
  throw new Error('The other writer was never met in the middle of a commit.')
}

/** Counts how often the event loop turns, until it is asked. */
function watchLoop(): () => { turns: number; longestMs: number } {
  let [turns, longestMs, last] = [0, 0, performance.now()]
  const look = (): void => {
    longestMs = Math.max(longestMs, Math.round(performance.now() - last))
    last = performance.now()
  }
  const timer = setInterval(() => {
    turns++
    look()
  }, 5)
  return () => {
    clearInterval(timer)
    look()
    return { turns, longestMs }
  }
}
