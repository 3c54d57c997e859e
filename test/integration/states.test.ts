import type { Container, ContainerStatus } from 'libpod-ts'
import { afterAll, describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { useEngine } from '../support/engine.ts'
import { collect } from '../support/results.ts'

const engine = useEngine()

/** Brings a new container into a state. `stopping` ignores its stop signal. */
const makers: Readonly<Record<Exclude<ContainerStatus, 'removing'>, () => Promise<Container>>> = {
  created: () => created(engine, ['sleep', '600']),
  async initialized() {
    const container = await created(engine, ['sleep', '600'])
    await container.init()
    return container
  },
  running: () => started(engine, ['sleep', '600']),
  async paused() {
    const container = await started(engine, ['sleep', '600'])
    await container.pause()
    return container
  },
  async stopping() {
    const container = await started(engine, sh('trap "" TERM; echo ready; while :; do sleep 1; done'))
    await container.waitUntil({ log: 'ready' })
    const [abort, reason] = [new AbortController(), new Error('enough')]
    const stop = expect(container.stop({ timeoutMs: 60_000, signal: abort.signal })).rejects.toBe(reason)
    await expect.poll(async () => (await container.inspect()).status, { timeout: 20_000, interval: 10 }).toBe('stopping')
    abort.abort(reason)
    await stop
    return container
  },
  async exited() {
    const container = await started(engine, sh('exit 3'))
    await container.wait()
    return container
  },
}

type Outcome = 'ok' | 'nothing to do' | 'invalid-state' | 'empty'

const verbs: Readonly<Record<string, (container: Container) => Promise<unknown>>> = {
  init: (container) => container.init(),
  start: (container) => container.start(),
  stop: (container) => container.stop({ timeoutMs: 0 }),
  restart: (container) => container.restart({ timeoutMs: 0 }),
  kill: (container) => container.kill('SIGWINCH'),
  pause: (container) => container.pause(),
  unpause: (container) => container.unpause(),
  attach: async (container) => (await container.attach()).close(),
  exec: (container) => container.exec(['true']),
  spawn: async (container) => (await container.spawn(['true'])).wait(),
  top: (container) => container.top(),
  stats: (container) => container.stats({ once: true }),
  logs: (container) => collect(container.logs()),
  inspect: (container) => container.inspect(),
  remove: (container) => container.remove(),
}

/** What each verb does to a container in each state; what is not here is `ok`. */
const expected: Readonly<Record<keyof typeof makers, Readonly<Record<string, Outcome>>>> = {
  created: {
    stop: 'nothing to do',
    kill: 'invalid-state',
    pause: 'invalid-state',
    unpause: 'invalid-state',
    attach: 'invalid-state',
    exec: 'invalid-state',
    spawn: 'invalid-state',
    top: 'invalid-state',
    stats: 'invalid-state',
  },
  initialized: {
    init: 'nothing to do',
    pause: 'invalid-state',
    unpause: 'invalid-state',
    exec: 'invalid-state',
    spawn: 'invalid-state',
    top: 'invalid-state',
    stats: 'invalid-state',
    remove: 'invalid-state',
  },
  running: { init: 'invalid-state', start: 'nothing to do', unpause: 'nothing to do', remove: 'invalid-state' },
  paused: {
    init: 'invalid-state',
    start: 'invalid-state',
    restart: 'invalid-state',
    pause: 'nothing to do',
    exec: 'invalid-state',
    spawn: 'invalid-state',
    remove: 'invalid-state',
  },
  stopping: {
    init: 'invalid-state',
    start: 'invalid-state',
    pause: 'invalid-state',
    unpause: 'invalid-state',
    exec: 'invalid-state',
    spawn: 'invalid-state',
    remove: 'invalid-state',
  },
  exited: {
    stop: 'nothing to do',
    kill: 'invalid-state',
    pause: 'invalid-state',
    unpause: 'invalid-state',
    attach: 'invalid-state',
    exec: 'invalid-state',
    spawn: 'invalid-state',
    top: 'invalid-state',
    stats: 'invalid-state',
  },
}

async function outcomeOf(verb: () => Promise<unknown>): Promise<Outcome | string> {
  try {
    const result = await verb()
    return Object(result) === result && (result as { changed?: boolean }).changed === false ? 'nothing to do' : 'ok'
  } catch (error) {
    const { code, hint, details } = error as { code?: string; hint?: string; details?: { allowed?: readonly string[]; state?: string } }
    if (code === 'invalid-state')
      expect([hint, details?.allowed]).toEqual([expect.any(String), expect.arrayContaining([expect.any(String)])])
    return code ?? String(error)
  }
}

describe.each(Object.keys(makers) as (keyof typeof makers)[])('a container that is %s', (status) => {
  let last: Container | undefined
  const make = async (): Promise<Container> => {
    last = await makers[status]()
    expect((await last.inspect()).status).toBe(status)
    return last
  }
  /** The container that the test before has left as it was, or a new one. */
  const ready = async (): Promise<Container> => (last !== undefined && (await engine.runtime.containers.exists(last.id)) ? last : make())
  afterAll(() => last?.remove({ force: true, ifExists: true }))

  it.each(Object.keys(verbs))('%s', async (verb) => {
    const container = await ready()
    const outcome = await outcomeOf(() => verbs[verb]?.(container) ?? Promise.resolve())
    expect(outcome).toBe(expected[status][verb] ?? 'ok')
    if (!(await engine.runtime.containers.exists(container.id))) return
    if (outcome === 'ok' && (await container.inspect()).status !== status) await container.remove({ force: true })
    else expect((await container.inspect()).status).toBe(status)
  })

  it('goes with force', async () => {
    const container = await ready()
    expect(await container.remove({ force: true })).toEqual({ changed: true })
    expect(await engine.runtime.containers.exists(container.id)).toBe(false)
    for (const [name, verb] of Object.entries(verbs)) expect([name, await outcomeOf(() => verb(container))]).toEqual([name, 'not-found'])
  })
})
