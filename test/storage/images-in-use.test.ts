import { describe, expect, it } from 'vitest'
import { image, useEngine } from '../support/engine.ts'

describe('an image that containers use', () => {
  const engine = useEngine()

  it('stays until they are gone, or goes with them', async () => {
    const { runtime } = engine
    const busybox = await runtime.images.get(image)
    const containers = [
      await runtime.containers.create({ image, network: 'none' }),
      await runtime.containers.create({ image, command: ['sleep', '60'], network: 'none' }),
    ]
    await containers[1]?.start()
    const users = containers.map(({ id }) => `container/${id}`)
    const refusal: unknown = await busybox.remove().catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'in-use', details: { kind: 'image', ref: busybox.id } })
    expect((refusal as { details: { users: string[] } }).details.users.sort()).toEqual(users.sort())
    const spare = await engine.open()
    expect((await spare.images.prune({ all: true })).images).toEqual([])
    await spare.close()
    expect((await runtime.diskUsage()).images).toMatchObject({ total: 1, active: 1, reclaimableBytes: 0 })
    await busybox.remove({ force: true })
    expect(await runtime.containers.list()).toEqual([])
    expect(await runtime.images.list()).toEqual([])
    const { reclaimedBytes } = await runtime.prune()
    expect(reclaimedBytes).toBeGreaterThan(100_000)
    expect((await runtime.diskUsage()).images).toMatchObject({ total: 0, layersBytes: 0, blobsBytes: 0 })
  })
})
