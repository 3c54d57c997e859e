import { describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { collect, failure } from '../support/results.ts'

// An end that does not take its container along is warned of.
const warnings: string[] = []
const engine = useEngine({
  logger: {
    debug() {},
    warn: (message) => void warnings.push(message),
    error(message) {
      throw new Error(`The engine logged an error: ${message}`)
    },
  },
})

describe('a container that is removed at its end', () => {
  it('stays when it is restarted', async () => {
    const container = await started(engine, ['sleep', '600'], { autoRemove: true })
    await container.restart({ timeoutMs: 0 })
    expect(await container.inspect()).toMatchObject({ status: 'running', state: { restartCount: 0 } })
    expect((await container.exec(['echo', 'still here'])).stdout).toBe('still here\n')
    await container.stop({ timeoutMs: 0 })
    expect(await engine.runtime.containers.exists(container.id)).toBe(false)
  })

  it('stays when an ephemeral one is restarted', async () => {
    await using container = await engine.runtime.containers.ephemeral({ image, command: ['sleep', '600'], network: 'none' })
    await container.restart({ timeoutMs: 0 })
    expect((await container.inspect()).status).toBe('running')
  })

  it('stays when its pod is restarted', async () => {
    const pod = await engine.runtime.pods.create({ network: 'none' })
    const member = await created(engine, ['sleep', '600'], { autoRemove: true, pod: pod.id, network: undefined } as never)
    await pod.start()
    await pod.restart({ timeoutMs: 0 })
    expect((await member.inspect()).status).toBe('running')
    await pod.remove({ force: true })
  })

  it('is exited as long as another has joined it', async () => {
    const owner = await started(engine, sh('sleep 0.5; exit 3'), { autoRemove: true, name: 'joined' })
    const joiner = await created(engine, ['true'], { ipc: { container: owner.id } })
    expect(await owner.wait()).toMatchObject({ exitCode: 3 })
    expect(await owner.inspect()).toMatchObject({ status: 'exited', exitCode: 3 })
    expect(warnings).toEqual([expect.stringContaining('joined has ended and was to go, but stays')])
    expect((await failure(owner.remove())).code).toBe('in-use')
    await joiner.remove()
    await owner.remove()
  })

  it('goes when its restart is called off', async () => {
    const container = await started(engine, sh('exit 1'), { autoRemove: true, restart: { policy: 'on-failure' } })
    // The delays double: soon there is time enough.
    await eventually(async () => expect((await container.inspect()).state.restartDueAt).toBeDefined(), 20_000)
    await eventually(async () => {
      expect((await container.inspect()).state.restartCount).toBeGreaterThan(2)
      await container.stop()
      expect(await engine.runtime.containers.exists(container.id)).toBe(false)
    }, 20_000)
    expect(await container.wait({ condition: 'removed' })).toMatchObject({ exitCode: 1 })
  })
})

describe('a container that waits for its restart', () => {
  it('is spared by prune', async () => {
    const container = await started(engine, sh('exit 1'), { restart: { policy: 'always' } })
    await eventually(async () => {
      const { status, state } = await container.inspect()
      expect(status === 'exited' && Date.parse(state.restartDueAt ?? '') > Date.now() + 300).toBe(true)
    }, 20_000)
    expect(await engine.runtime.containers.prune()).toEqual({ removed: [] })
    await container.stop()
    expect(await engine.runtime.containers.prune()).toEqual({ removed: [container.id] })
  })
})

describe('a run that another engine works on', () => {
  it('is over soon after it is removed by force, stopped or killed, whenever that is', async () => {
    const other = await engine.open()
    try {
      for (const verb of ['remove', 'stop', 'kill'] as const) {
        for (const ms of [0, 10, 30]) {
          const running = engine.runtime.containers.run({ image, name: 'brief', command: ['sleep', '60'], network: 'none' })
          const outcome = running.then(
            ({ exitCode }) => exitCode,
            (error: { code?: string }) => error.code,
          )
          const container = await eventually(() => other.containers.get('brief'))
          await new Promise((resolve) => setTimeout(resolve, ms))
          if (verb === 'remove') await container.remove({ force: true })
          else if (verb === 'stop') await container.stop({ timeoutMs: 0 })
          else await container.kill()
          // The runtime may have been killed while it still made the container.
          expect([137, 'command-failed']).toContain(await outcome)
        }
      }
    } finally {
      await other.close()
    }
    expect(await collect(engine.runtime.containers.iterate())).toEqual([])
  })
})
