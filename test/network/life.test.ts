import { describe, expect, it, vi } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()

describe('the default network', () => {
  it('is made at the first use, and connects who says nothing', async () => {
    const { stdout } = await engine.runtime.containers.run({ image, command: sh('ip -4 -o address show eth0; ip route; cat /etc/hosts') })
    expect(stdout).toMatch(/inet 10\.88\.0\.\d+\/16/)
    expect(stdout).toMatch(/default via 10\.88\.0\.1 dev eth0/)
    expect(stdout).toMatch(/^10\.88\.0\.\d+\t[0-9a-f]{12} \w+$/m)
    expect(await (await engine.runtime.networks.get('podman')).inspect()).toMatchObject({
      name: 'podman',
      driver: 'bridge',
      dns: false,
      internal: false,
      subnets: [{ subnet: '10.88.0.0/16', gateway: '10.88.0.1' }],
      containers: [],
    })
  })

  it('is also what private means, and what its name means', async () => {
    for (const network of ['private', { networks: [{ name: 'podman' }] }] as const) {
      const container = await created(engine, ['true'], { network })
      expect((await container.inspect()).networks).toEqual(['podman'])
      await container.remove()
    }
  })
})

describe('the life of a connected container', () => {
  it('tells its address, and gives everything back', async () => {
    const container = await started(engine, sh('exec httpd -f -p 80 -h /etc'), { network: 'private' })
    const { state } = await container.inspect()
    const { containers } = await engine.runtime.networks.ref('podman').inspect()
    expect(containers).toEqual([
      {
        id: container.id,
        name: expect.any(String),
        interfaceName: 'eth0',
        addresses: [expect.stringMatching(/^10\.88\./)],
        mac: expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/),
      },
    ])
    const [address] = containers[0]?.addresses ?? []
    expect(await (await fetch(`http://${address}/hostname`)).text()).toBe(`${container.id.slice(0, 12)}\n`)
    expect(state.pid).toBeGreaterThan(0)
    await container.stop({ timeoutMs: 0 })
    await vi.waitFor(async () => expect((await engine.runtime.networks.ref('podman').inspect()).containers).toEqual([]))
    await container.remove()
  })

  it('has the same address after a restart, and keeps its links', async () => {
    const container = await started(engine, ['sleep', '600'], { network: 'private' })
    const address = async (): Promise<string> => (await container.exec(sh('ip -4 -o address show eth0 | grep -o "inet [0-9./]*"'))).stdout
    const first = await address()
    await container.restart({ timeoutMs: 0 })
    expect(await address()).toBe(first)
    await container.remove({ force: true })
  })

  it('takes a start back when its program does not exist', async () => {
    const container = await created(engine, ['/no/such/program'], { network: 'private', ports: [{ container: 80 }] })
    expect(await failure(container.start())).toMatchObject({ code: 'command-failed', details: { exitCode: 127 } })
    await vi.waitFor(async () => expect((await engine.runtime.networks.ref('podman').inspect()).containers).toEqual([]))
    await container.remove()
  })

  it('cannot lose its network, unless that is forced', async () => {
    const network = await engine.runtime.networks.create({ name: 'used' })
    const container = await created(engine, ['true'], { network: { networks: [{ name: 'used' }] } })
    expect(await failure(network.remove())).toMatchObject({ code: 'in-use', details: { users: [`container/${container.id}`] } })
    expect(await network.remove({ force: true })).toEqual({ changed: true })
    expect(await engine.runtime.containers.exists(container.id)).toBe(false)
    expect(await network.remove({ ifExists: true })).toEqual({ changed: false })
    expect(await failure(network.remove())).toMatchObject({ code: 'not-found' })
  })
})
