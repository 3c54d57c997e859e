import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFlockManager } from './flock.ts'
import { lockManagerCases } from './lock-manager.cases.ts'
import type { LockManager } from './lock-manager.ts'
import { createMemoryLockManager } from './memory.ts'
import { firstLine, killPeer, spawnLockPeer } from './test-support/peers.ts'

let directory: string
let peers: ChildProcess[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-locks-'))
  peers = []
})

afterEach(async () => {
  for (const peer of peers) await killPeer(peer)
  await rm(directory, { recursive: true, force: true })
})

function spawnPeer(...args: string[]): ChildProcess {
  const peer = spawnLockPeer(...args)
  peers.push(peer)
  return peer
}

function testLockManager(name: string, shared: boolean, open: () => LockManager): void {
  describe(name, () => {
    for (const { name: title, requires, run } of lockManagerCases) {
      if (requires === 'shared' && !shared) continue
      it(title, () =>
        run({
          shared,
          open: async () => open(),
          async holdElsewhere(key) {
            const peer = spawnPeer('hold', directory, key)
            await firstLine(peer)
            return { kill: () => killPeer(peer) }
          },
          async contend(key, processes, times) {
            const started = Array.from({ length: processes }, () => spawnPeer('contend', directory, key, String(times)))
            const overlaps = await Promise.all(started.map(firstLine))
            return { entered: processes * times, overlaps: overlaps.reduce((sum, count) => sum + Number(count), 0) }
          },
          report: (text) => console.info(`${name}: ${text}`),
        }),
      )
    }
  })
}

testLockManager('memory locks', false, createMemoryLockManager)
testLockManager('flock locks', true, () => createFlockManager({ directory }))

describe('flock manager', () => {
  it('leaves no file of a lock that was removed', async () => {
    const locks = createFlockManager({ directory })
    const kept = await locks.acquire('container/a')
    const gone = await locks.acquire('container/b')
    await kept()
    await gone({ remove: true })
    expect(await readdir(directory)).toEqual(['container%2Fa.lock'])
    await locks.close()
  })

  it('lets another process in though this one never runs out of waiters', { timeout: 20_000 }, async () => {
    const [busy, other] = [createFlockManager({ directory }), createFlockManager({ directory })]
    let stop = false
    const crowd = Array.from({ length: 4 }, async () => {
      while (!stop) {
        const release = await busy.acquire('container/a')
        await new Promise((resolve) => setImmediate(resolve))
        await release()
      }
    })
    await (await other.acquire('container/a'))()
    stop = true
    await Promise.all(crowd)
    await busy.close()
    await other.close()
  })
})
