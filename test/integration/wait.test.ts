import { setTimeout as pause } from 'node:timers/promises'
import type { WaitCondition } from 'libpod-ts'
import { describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()

describe('wait', () => {
  it.each<[WaitCondition, number | null]>([
    ['stopped', 4],
    ['next-exit', 4],
    ['exited', 4],
    ['not-running', 0],
    ['created', 0],
  ])('%s, on a container that was not started yet', async (condition, exitCode) => {
    const container = await created(engine, sh('sleep 0.1; exit 4'))
    const waiting = container.wait({ condition })
    await container.start()
    expect((await waiting).exitCode).toBe(exitCode)
    await container.wait()
    if (condition !== 'next-exit' && condition !== 'created') expect((await container.wait({ condition })).exitCode).toBe(4)
    await container.remove()
  })

  it('for every state by its name', async () => {
    const container = await created(engine, sh('sleep 600'))
    const seen: string[] = []
    const waits = (['initialized', 'running', 'paused', 'exited', 'removed'] as const).map((condition) =>
      container.wait({ condition }).then(() => seen.push(condition)),
    )
    await container.init()
    await expect.poll(() => seen).toContain('initialized')
    await container.start()
    await expect.poll(() => seen).toContain('running')
    await container.pause()
    await expect.poll(() => seen).toContain('paused')
    await container.unpause()
    await container.kill()
    await container.wait()
    await container.remove()
    await Promise.all(waits)
    expect(seen).toEqual(['initialized', 'running', 'paused', 'exited', 'removed'])
  })

  it('next-exit is the next one each time', async () => {
    const container = await created(engine, sh('echo x >> /runs; exit $(wc -l < /runs)'))
    for (const exitCode of [1, 2, 3]) {
      const next = container.wait({ condition: 'next-exit' })
      await pause(20)
      await container.start()
      expect((await next).exitCode).toBe(exitCode)
    }
    await container.remove()
  })

  it('tells how it ended, also of a container that was removed meanwhile, to all who wait', async () => {
    const container = await started(engine, ['sleep', '600'])
    const waits = Array.from({ length: 20 }, () => container.wait())
    const removed = container.wait({ condition: 'removed' })
    await container.remove({ force: true })
    for (const result of await Promise.all([...waits, removed])) expect(result).toMatchObject({ exitCode: 137, oomKilled: false })
    expect((await failure(engine.runtime.containers.ref('0'.repeat(64)).wait())).code).toBe('not-found')
  })

  it('can be given up, and refuses what is no condition', async () => {
    const container = await started(engine, ['sleep', '600'])
    const reason = new Error('enough')
    const abort = new AbortController()
    const waiting = expect(container.wait({ signal: abort.signal })).rejects.toBe(reason)
    setTimeout(() => abort.abort(reason), 50)
    await waiting
    await expect(container.wait({ signal: abort.signal })).rejects.toBe(reason)
    for (const [options, path] of [
      [{ condition: 'dead' }, 'condition'],
      [{ until: 'exited' }, 'until'],
      [{ signal: 'x' }, 'signal'],
    ] as const)
      expect(await failure(container.wait(options as never))).toMatchObject({ code: 'invalid-argument', details: { path } })
    await container.remove({ force: true })
  })

  it('is rejected when its runtime closes', async () => {
    const container = await started(engine, ['sleep', '600'])
    const other = await engine.open()
    const theirs = other.containers.ref(container.id)
    const waits = [
      theirs.wait(),
      theirs.wait({ condition: 'paused' }),
      theirs.waitUntil({ exit: true }),
      theirs.stop({ timeoutMs: 60_000 }),
    ].map((waiting) => failure(waiting))
    await pause(100)
    await other.close()
    for (const error of await Promise.all(waits)) expect(error.code).toBe('closed')
    await container.remove({ force: true })
  })
})

it('tells of the last run of a container that is removed, whoever removes it', async () => {
  const container = await created(engine, sh('exit 9'))
  const waiting = container.wait({ condition: 'removed' })
  await container.start()
  await container.wait()
  await container.remove()
  expect(await waiting).toMatchObject({ exitCode: 9 })
  expect(await container.wait()).toMatchObject({ exitCode: 9 })
})

describe('waitUntil', () => {
  it('a text or a pattern is in the log, as often as asked', async () => {
    const container = await started(engine, sh('i=0; while :; do echo "tick $i"; i=$((i+1)); sleep 0.05; done'))
    await container.waitUntil({ log: 'tick 1' })
    await container.waitUntil({ log: /^TICK \d+$/gi, times: 5 })
    await container.waitUntil({ log: /tick 3$/ })
    await container.remove({ force: true })
  })

  it('it exits, or a predicate holds', async () => {
    const container = await started(engine, sh('sleep 0.3'))
    let asked = 0
    await container.waitUntil({ predicate: () => ++asked === 3, everyMs: 5 })
    await container.waitUntil({ predicate: async () => (await container.inspect()).status === 'running' })
    await container.waitUntil({ exit: true })
    expect((await container.inspect()).status).toBe('exited')
    const mine = new Error('mine')
    await expect(container.waitUntil({ predicate: () => Promise.reject(mine) })).rejects.toBe(mine)
  })

  it('it has exited before', async () => {
    const container = await started(engine, ['true'])
    await container.wait()
    await container.waitUntil({ exit: true }, { timeoutMs: 2000 })
    await container.remove()
  })

  it('a text is in the log of this run, not of one before', async () => {
    const container = await started(engine, sh('[ -e /second ] && sleep 1; touch /second; echo ready; sleep 600'))
    await container.waitUntil({ log: 'ready' })
    await container.restart({ timeoutMs: 0 })
    const begin = Date.now()
    await container.waitUntil({ log: 'ready' })
    expect(Date.now() - begin).toBeGreaterThan(300)
    await container.remove({ force: true })
  })

  it('gives up on a predicate that never answers', async () => {
    const container = await created(engine, ['true'])
    const never = { predicate: () => new Promise<boolean>(() => {}) }
    expect((await failure(container.waitUntil(never, { timeoutMs: 50 }))).code).toBe('unavailable')
    const reason = new Error('enough')
    await expect(container.waitUntil(never, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await container.remove()
  })

  it('gives up in time, or when it cannot happen any more, and says what to do', async () => {
    const container = await started(engine, ['sleep', '600'])
    for (const condition of [{ log: 'never' }, { exit: true }, { predicate: () => false }] as const) {
      const error = await failure(container.waitUntil(condition, { timeoutMs: 50 }))
      expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('50 ms') })
      expect(error.hint).toMatch(/logs\(\)/)
    }
    const waiting = failure(container.waitUntil({ log: 'never' }))
    await container.kill()
    expect(await waiting).toMatchObject({ code: 'unavailable', message: expect.stringContaining('never') })
    expect((await failure(container.waitUntil({ log: /x/ }))).code).toBe('unavailable')
    const reason = new Error('enough')
    await expect(container.waitUntil({ exit: true }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('gives up on a predicate when the container has ended, or is gone', async () => {
    const container = await started(engine, ['sleep', '600'])
    const waiting = failure(container.waitUntil({ predicate: () => false, everyMs: 20 }))
    await container.kill()
    expect(await waiting).toMatchObject({ code: 'unavailable', message: expect.stringContaining('ended before it was ready') })
    const gone = failure(container.waitUntil({ predicate: () => false, everyMs: 20 }))
    await container.remove()
    expect((await gone).code).toBe('unavailable')
  })

  it.each<[unknown, unknown, string]>([
    [{ log: 7 }, {}, 'condition.log'],
    [{ log: 'x', times: 0 }, {}, 'condition.times'],
    [{ exit: false }, {}, 'condition.exit'],
    [{ port: '80' }, {}, 'condition.port'],
    [{ log: 'x', port: 3 }, {}, 'condition'],
    [{ predicate: 'true' }, {}, 'condition.predicate'],
    [{}, {}, 'condition'],
    [undefined, {}, 'condition'],
    [{ exit: true }, { timeoutMs: -1 }, 'timeoutMs'],
    [{ exit: true }, { timeout: 100 }, 'timeout'],
  ])('refuses %j, %j', async (condition, options, path) => {
    const container = await created(engine, ['true'])
    const error = await failure(container.waitUntil(condition as never, options as never))
    expect(error.code).toBe('invalid-argument')
    expect((error.details as { path: string }).path.startsWith(path)).toBe(true)
    await container.remove()
  })
})
