import { Runtime } from 'libpod-ts'
import { describe, expect, it } from 'vitest'
import { image, useEngine } from '../support/engine.ts'

const engine = useEngine()

describe('run', () => {
  it('runs to completion and leaves nothing', async () => {
    const { runtime } = engine
    const result = await runtime.containers.run({
      image,
      command: ['sh', '-c', 'cat; echo err >&2; exit 3'],
      input: 'in\n',
      network: 'none',
    })
    expect(result).toMatchObject({ exitCode: 3, stdout: 'in\n', stderr: 'err\n', timedOut: false, truncated: false })
    expect(await runtime.containers.list()).toEqual([])
  })

  it('is over when its time is, or its caller aborts', async () => {
    const { runtime } = engine
    expect(await runtime.containers.run({ image, command: ['sleep', '60'], timeoutMs: 300, network: 'none' })).toMatchObject({
      timedOut: true,
    })
    const abort = new AbortController()
    setTimeout(() => abort.abort('enough'), 200)
    await expect(runtime.containers.run({ image, command: ['sleep', '60'], signal: abort.signal, network: 'none' })).rejects.toBe('enough')
    expect(await runtime.containers.list()).toEqual([])
  })

  it('runs many at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, i) => engine.runtime.containers.run({ image, command: ['sh', '-c', `echo ${i}`], network: 'none' })),
    )
    expect(results.map(({ stdout }) => stdout)).toEqual(results.map((_, i) => `${i}\n`))
  })
})

describe('ephemeral', () => {
  it('goes with its block', async () => {
    const { runtime } = engine
    let id = ''
    {
      await using container = await runtime.containers.ephemeral({ image, command: ['sleep', '600'], network: 'none' })
      id = container.id
      expect((await container.exec(['echo', 'hi'])).stdout).toBe('hi\n')
      expect(await runtime.containers.exists(id)).toBe(true)
    }
    expect(await runtime.containers.exists(id)).toBe(false)
  })

  it('goes with its runtime', async () => {
    const other = await Runtime.open({ root: engine.root, runRoot: engine.runRoot })
    const { id } = await other.containers.ephemeral({ image, command: ['sleep', '600'], network: 'none' })
    expect(await engine.runtime.containers.exists(id)).toBe(true)
    await other.close()
    expect(await engine.runtime.containers.exists(id)).toBe(false)
  })
})
