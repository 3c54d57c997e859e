import { isLibpodError } from 'libpod-ts'
import { describe, expect, it } from 'vitest'
import { image, useEngine } from '../support/engine.ts'

const engine = useEngine()

describe("a container's life", () => {
  it('goes from created to removed, and tells each step', async () => {
    const { runtime } = engine
    const events: string[] = []
    const off = runtime.on('container', ({ action }) => events.push(action))
    const container = await runtime.containers.create({ image, command: ['sh', '-c', 'echo out; echo err >&2; exit 3'], network: 'none' })
    expect((await container.inspect()).status).toBe('created')
    expect(await container.start()).toEqual({ changed: true })
    expect(await container.wait()).toMatchObject({ exitCode: 3, oomKilled: false })
    const lines = []
    for await (const { stream, line } of container.logs()) lines.push(`${stream} ${line}`)
    expect(lines.sort()).toEqual(['stderr err', 'stdout out'])
    expect(await container.remove()).toEqual({ changed: true })
    await expect(container.inspect()).rejects.toSatisfy((error) => isLibpodError(error, 'not-found'))
    off()
    expect(events).toEqual(['create', 'start', 'died', 'remove'])
  })

  it('starts again after it ended', async () => {
    const container = await engine.runtime.containers.create({
      image,
      command: ['sh', '-c', 'echo run >> /count; exec wc -l < /count'],
      network: 'none',
    })
    for (const times of [1, 2, 3]) {
      await container.start()
      expect((await container.wait()).exitCode).toBe(0)
      const lines = []
      for await (const { line } of container.logs()) lines.push(line)
      expect(lines).toHaveLength(times)
      expect(lines.at(-1)).toBe(String(times))
    }
    await container.remove()
  })

  it('says so when there is nothing to do', async () => {
    const container = await engine.runtime.containers.create({ image, command: ['sleep', '60'], network: 'none' })
    expect(await container.stop()).toEqual({ changed: false })
    await container.start()
    expect(await container.start()).toEqual({ changed: false })
    expect(await container.stop({ timeoutMs: 200 })).toEqual({ changed: true })
    expect(await container.stop()).toEqual({ changed: false })
    expect((await container.wait()).exitCode).toBe(137)
    await container.remove()
    expect(await container.remove({ ifExists: true })).toEqual({ changed: false })
  })

  it('ends by its own stop signal in time', async () => {
    const container = await engine.runtime.containers.create({
      image,
      command: ['sh', '-c', 'trap "exit 5" USR1; echo ready; while :; do sleep 0.05; done'],
      stopSignal: 'SIGUSR1',
      network: 'none',
    })
    await container.start()
    await container.waitUntil({ log: 'ready' })
    await container.stop({ timeoutMs: 10_000 })
    expect((await container.wait()).exitCode).toBe(5)
    await container.remove()
  })

  it('pauses and goes on', async () => {
    const container = await engine.runtime.containers.create({ image, command: ['sleep', '60'], network: 'none' })
    await container.start()
    await container.pause()
    expect((await container.inspect()).status).toBe('paused')
    await expect(container.exec(['true'])).rejects.toSatisfy((error) => isLibpodError(error, 'invalid-state'))
    await container.unpause()
    expect((await container.exec(['echo', 'back'])).stdout).toBe('back\n')
    await container.remove({ force: true })
  })

  it('is attached to before it starts, and misses nothing', async () => {
    const container = await engine.runtime.containers.create({ image, command: ['cat'], stdin: true, network: 'none' })
    await container.init()
    const session = await container.attach({ stdin: true })
    await container.start()
    const text = 'x'.repeat(100_000)
    session.stdin?.end(text)
    let heard = ''
    for await (const chunk of session.stdout) heard += String(chunk)
    expect(heard).toBe(text)
    expect((await container.wait()).exitCode).toBe(0)
    await container.remove()
  })

  it('is removed by itself when it was asked to be, and its exit code is known', async () => {
    const container = await engine.runtime.containers.create({ image, command: ['sh', '-c', 'exit 9'], autoRemove: true, network: 'none' })
    const ended = container.wait()
    await container.start()
    expect((await ended).exitCode).toBe(9)
    await container.wait({ condition: 'removed' })
    expect(await engine.runtime.containers.exists(container.id)).toBe(false)
  })

  it('is restarted as its policy says', async () => {
    const container = await engine.runtime.containers.create({
      image,
      command: ['sh', '-c', 'exit 1'],
      restart: { policy: 'on-failure', maxRetries: 2 },
      network: 'none',
    })
    await container.start()
    expect((await container.wait()).exitCode).toBe(1)
    expect((await container.inspect()).state.restartCount).toBe(2)
    await container.remove()
  })
})
