import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { isLibpodError } from '../base/errors.ts'
import type { LockManager } from './lock-manager.ts'

/** What a conformance case works with. Every case gets a place of its own. @public */
export interface LockManagerCaseContext {
  /** Whether other processes are kept out too. */
  readonly shared: boolean
  /** Makes a manager of the case's place, which the case closes. */
  open(): Promise<LockManager>
  /** Starts a process that takes the lock of `key` and holds it until it is killed; resolves when it has it. Only with `shared`. */
  holdElsewhere(key: string): Promise<{ kill(): Promise<void> }>
  /** Starts `processes` that each enter and leave the lock of `key` `times` times; gives how often two were inside at once. Only with `shared`. */
  contend(key: string, processes: number, times: number): Promise<{ readonly entered: number; readonly overlaps: number }>
  /** Tells what was measured. */
  report(text: string): void
}

/** One conformance case of the contract {@link LockManager}. @public */
export interface LockManagerCase {
  readonly name: string
  readonly requires?: 'shared'
  run(context: LockManagerCaseContext): Promise<void>
}

function lockCase(
  name: string,
  body: (locks: LockManager, context: LockManagerCaseContext) => Promise<void>,
  requires?: 'shared',
): LockManagerCase {
  return {
    name,
    ...(requires === undefined ? {} : { requires }),
    async run(context) {
      const locks = await context.open()
      try {
        await body(locks, context)
      } finally {
        await locks.close()
      }
    },
  }
}

async function assertCode(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => isLibpodError(error) && error.code === code)
}

/** The conformance cases of the contract {@link LockManager}. @public */
export const lockManagerCases: readonly LockManagerCase[] = [
  lockCase('serves the waiters of one process first come, first served', async (locks) => {
    const order: number[] = []
    const release = await locks.acquire('container/a')
    const waiting = Array.from({ length: 20 }, async (_, at) => {
      const mine = await locks.acquire('container/a')
      order.push(at)
      await mine()
    })
    await sleep(5)
    assert.deepEqual(order, [])
    await release()
    await Promise.all(waiting)
    assert.deepEqual(
      order,
      Array.from({ length: 20 }, (_, at) => at),
    )
  }),
  lockCase('lets only one inside at a time', async (locks) => {
    let inside = 0
    const enter = async (): Promise<void> => {
      const release = await locks.acquire('container/a')
      assert.equal(++inside, 1)
      await sleep(Math.random() * 2)
      inside--
      await release({ remove: Math.random() < 0.3 })
    }
    await Promise.all(Array.from({ length: 60 }, enter))
  }),
  lockCase('holds different keys apart, whatever they are called', async (locks) => {
    const keys = [
      'container/a',
      'container/b',
      'pod/a',
      'volume/../a',
      'volume/a b',
      `blob/sha256:${'f'.repeat(64)}`,
      `volume/${'ü'.repeat(200)}`,
      'volume/.',
    ]
    const releases = await Promise.all(keys.map((key) => locks.acquire(key, { wait: false })))
    for (const release of releases) await release()
  }),
  lockCase('does not wait when told so', async (locks) => {
    const release = await locks.acquire('container/a', { wait: false })
    await assertCode(locks.acquire('container/a', { wait: false }), 'conflict')
    await release()
    await (await locks.acquire('container/a', { wait: false }))()
  }),
  lockCase('gives a lock back once, even when asked twice', async (locks) => {
    const first = await locks.acquire('container/a')
    await first()
    const second = await locks.acquire('container/a')
    await first()
    await assertCode(locks.acquire('container/a', { wait: false }), 'conflict')
    await second({ remove: true })
    await second({ remove: true })
    await (await locks.acquire('container/a', { wait: false }))()
  }),
  lockCase('an aborted wait rejects with the reason and leaves the queue', async (locks) => {
    const release = await locks.acquire('container/a')
    const reason = new Error('enough')
    const controller = new AbortController()
    const aborted = locks.acquire('container/a', { signal: controller.signal })
    const next = locks.acquire('container/a')
    controller.abort(reason)
    await assert.rejects(aborted, (error) => error === reason)
    await assert.rejects(locks.acquire('container/b', { signal: controller.signal }), (error) => error === reason)
    await release()
    await (await next)()
  }),
  lockCase('asserts the order against the locks that are held', async (locks) => {
    const release = await locks.acquire('container/b')
    await assertCode(locks.acquire('pod/a', { held: ['container/b'] }), 'internal')
    await assertCode(locks.acquire('container/a', { held: ['container/b'] }), 'internal')
    const network = await locks.acquire('network/a', { held: ['container/b'] })
    await network()
    await release()
  }),
  lockCase('closing frees what is held, and ends every wait', async (locks) => {
    const release = await locks.acquire('container/a')
    const waiting = locks.acquire('container/a')
    const ended = assertCode(waiting, 'closed')
    await locks.close()
    await ended
    await release()
    await assertCode(locks.acquire('container/a'), 'closed')
  }),
  lockCase(
    'keeps two managers apart like two processes, waiting without blocking',
    async (locks, { open }) => {
      const other = await open()
      const release = await locks.acquire('container/a')
      await assertCode(other.acquire('container/a', { wait: false }), 'conflict')
      const waiting = other.acquire('container/a')
      const reason = new Error('enough')
      await assert.rejects(other.acquire('container/a', { signal: AbortSignal.abort(reason) }), (error) => error === reason)
      await sleep(30)
      await release()
      await (await waiting)()
      const again = await locks.acquire('container/a')
      const controller = new AbortController()
      const aborted = other.acquire('container/a', { signal: controller.signal })
      await sleep(10)
      controller.abort(reason)
      await assert.rejects(aborted, (error) => error === reason)
      await again()
      await other.close()
    },
    'shared',
  ),
  lockCase(
    'a removed lock is a new lock, never two',
    async (locks, { open }) => {
      const other = await open()
      let inside = 0
      const enter = async (manager: LockManager): Promise<void> => {
        for (let round = 0; round < 100; round++) {
          const release = await manager.acquire('container/a')
          assert.equal(++inside, 1)
          await sleep(0)
          inside--
          await release({ remove: true })
        }
      }
      await Promise.all([enter(locks), enter(locks), enter(other), enter(other)])
      await other.close()
    },
    'shared',
  ),
  lockCase(
    'a lock is free at once when its holder is killed',
    async (locks, { holdElsewhere, report }) => {
      let slowest = 0
      for (let round = 0; round < 5; round++) {
        const holder = await holdElsewhere('container/a')
        await assertCode(locks.acquire('container/a', { wait: false }), 'conflict')
        const waiting = locks.acquire('container/a')
        await holder.kill()
        const begin = performance.now()
        const release = await waiting
        slowest = Math.max(slowest, performance.now() - begin)
        await release({ remove: true })
      }
      report(`5 holders killed: the slowest wait after one was ${slowest.toFixed(1)} ms`)
      // For good, if the dead one still had it.
      assert.ok(slowest < 10_000, `waited ${slowest} ms for a dead holder`)
    },
    'shared',
  ),
  lockCase(
    'four processes are never inside at once',
    async (_, { contend, report }) => {
      const begin = performance.now()
      const { entered, overlaps } = await contend('container/a', 4, 100)
      report(`4 processes entered ${entered} times in ${Math.round(performance.now() - begin)} ms, start included`)
      assert.equal(entered, 400)
      assert.equal(overlaps, 0)
    },
    'shared',
  ),
]
