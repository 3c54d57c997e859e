import { describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { collect, failure } from '../support/results.ts'

const engine = useEngine()
const loop = 'echo ready; while :; do sleep 0.02; done'

describe('kill', () => {
  it.each<[string | number, string]>([
    ['SIGUSR1', 'USR1'],
    ['usr2', 'USR2'],
    [1, 'HUP'],
    ['15', 'TERM'],
    ['SIGRTMIN+3', '37'],
  ])('%s', async (signal, name) => {
    const container = await started(engine, sh(`trap 'echo got; exit 7' ${name}; ${loop}`))
    await container.waitUntil({ log: 'ready' })
    await container.kill(signal)
    expect((await container.wait()).exitCode).toBe(7)
    expect((await collect(container.logs())).at(-1)?.line).toBe('got')
    await container.remove()
  })

  it('is SIGKILL if nothing else is said, and the container says how it ended', async () => {
    const container = await started(engine, ['sleep', '600'])
    await container.kill()
    expect(await container.wait()).toMatchObject({ exitCode: 137, oomKilled: false, finishedAt: expect.any(String) })
    expect((await container.inspect()).state).toMatchObject({ exitCode: 137, stoppedByUser: true })
    await container.remove()
  })

  it.each(['SIGNOTHING', 0, 65, -1, 1.5, '', 'SIGRTMAX+1', null, {}])('refuses %j', async (signal) => {
    const container = await started(engine, ['sleep', '600'])
    expect(await failure(container.kill(signal as never))).toMatchObject({ code: 'invalid-argument', details: { path: 'signal' } })
    expect((await container.inspect()).status).toBe('running')
    await container.remove({ force: true })
  })
})

describe('stop', () => {
  it('waits for the end it asked for, and is not waited for longer than it may take', async () => {
    const polite = await started(engine, sh(`trap 'sleep 0.2; exit 0' TERM; ${loop}`))
    const deaf = await started(engine, sh(`trap '' TERM; ${loop}`))
    for (const container of [polite, deaf]) await container.waitUntil({ log: 'ready' })
    expect(await Promise.all([polite.stop(), deaf.stop({ timeoutMs: 300 })])).toEqual([{ changed: true }, { changed: true }])
    expect((await polite.inspect()).state.exitCode).toBe(0)
    expect((await deaf.inspect()).state.exitCode).toBe(137)
    for (const container of [polite, deaf]) await container.remove()
  })

  it('takes the container’s own patience and signal', async () => {
    const container = await started(engine, sh(`trap 'echo int' INT; ${loop}`), { stopSignal: 'INT', stopTimeoutMs: 200 })
    await container.waitUntil({ log: 'ready' })
    await container.stop()
    expect((await container.wait()).exitCode).toBe(137)
    expect((await collect(container.logs())).map(({ line }) => line)).toContain('int')
    await container.remove()
  })

  it('of many who stop at once each is told', async () => {
    const container = await started(engine, sh(`trap 'exit 0' TERM; ${loop}`))
    await container.waitUntil({ log: 'ready' })
    for (const result of await Promise.all([1, 2, 3, 4].map(() => container.stop()))) expect(typeof result.changed).toBe('boolean')
    expect((await container.inspect()).status).toBe('exited')
    await container.remove()
  })

  it('can be given up: the container stays told to stop', async () => {
    const container = await started(engine, sh(`trap '' TERM; ${loop}`))
    await container.waitUntil({ log: 'ready' })
    const reason = new Error('enough')
    const abort = new AbortController()
    const stopping = expect(container.stop({ timeoutMs: 60_000, signal: abort.signal })).rejects.toBe(reason)
    await container.wait({ condition: 'stopping' })
    abort.abort(reason)
    await stopping
    expect((await container.inspect()).status).toBe('stopping')
    expect(await container.stop({ timeoutMs: 0 })).toEqual({ changed: true })
    await container.remove()
  })

  it.each([
    [{ timeoutMs: -1 }, 'timeoutMs'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs'],
    [{ timeoutMs: '10' }, 'timeoutMs'],
    [{ timeout: 10 }, 'timeout'],
  ])('refuses %j', async (options, path) => {
    const container = await started(engine, ['sleep', '600'])
    expect(await failure(container.stop(options as never))).toMatchObject({ code: 'invalid-argument', details: { path } })
    expect(await failure(container.restart(options as never))).toMatchObject({ code: 'invalid-argument', details: { path } })
    expect((await container.inspect()).status).toBe('running')
    await container.remove({ force: true })
  })

  it('keeps a restart policy from bringing it back', async () => {
    const container = await started(engine, ['sleep', '600'], { restart: { policy: 'always' } })
    await container.stop({ timeoutMs: 0 })
    expect((await container.inspect()).state).toMatchObject({ status: 'exited', stoppedByUser: true })
    await container.start()
    await container.remove({ force: true })
  })
})

describe('restart and pause', () => {
  it('restart gives a new process, also of one that has ended or was never started', async () => {
    const container = await created(engine, ['sleep', '600'])
    const pids = new Set<number | undefined>()
    for (let i = 0; i < 3; i++) {
      await container.restart({ timeoutMs: 0 })
      pids.add((await container.inspect()).state.pid)
    }
    expect(pids.size).toBe(3)
    await container.kill()
    await container.wait()
    await container.restart()
    expect((await container.inspect()).status).toBe('running')
    await container.remove({ force: true })
  })

  it('what is paused can be killed and stopped', async () => {
    for (const end of ['kill', 'stop'] as const) {
      const container = await started(engine, ['sleep', '600'])
      await container.pause()
      if (end === 'kill') await container.kill()
      else await container.stop({ timeoutMs: 500 })
      expect((await container.wait()).exitCode).toBe(137)
      await container.remove()
    }
  })

  it('events tell of each', async () => {
    const { runtime } = engine
    const actions: string[] = []
    const off = runtime.on('container', ({ action }) => actions.push(action))
    const container = await runtime.containers.create({ image, command: ['sleep', '600'], network: 'none' })
    await container.start()
    await container.pause()
    await container.unpause()
    await container.kill('SIGWINCH')
    await container.restart({ timeoutMs: 0 })
    await container.stop({ timeoutMs: 0 })
    await container.remove()
    off()
    // Whether the one who stops it or the one who sees it end is first to tell is open.
    expect(actions.filter((action) => action !== 'stop')).toEqual([
      'create',
      'start',
      'pause',
      'unpause',
      'kill',
      'died',
      'start',
      'restart',
      'died',
      'remove',
    ])
    expect(actions.filter((action) => action === 'stop')).toHaveLength(2)
  })
})
