import type { Container } from 'libpod-ts'
import { beforeAll, describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { infraOf, member, sleeper } from '../support/pods.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
const server = sh('exec httpd -f -p 80 -h /etc')

const page = async (port: number | undefined): Promise<string> => (await fetch(`http://127.0.0.1:${port}/hostname`)).text()

beforeAll(async () => {
  await engine.runtime.networks.create({ name: 'podded' })
})

describe('the network of a pod', () => {
  it('has its ports, and survives the restart of a member', async () => {
    const pod = await engine.runtime.pods.create({ name: 'web', ports: [{ container: 80, host: 8088 }, { container: 80 }] })
    const web = await member(engine, pod, server, { name: 'web-server', stopTimeoutMs: 0 })
    const other = await sleeper(engine, pod, { name: 'web-other' })
    await pod.start()
    const before = await pod.inspect()
    expect(before.networks).toEqual(['podman'])
    expect(before.ports).toEqual([
      { container: 80, host: 8088, protocol: 'tcp' },
      { container: 80, host: expect.any(Number), protocol: 'tcp' },
    ])
    await web.waitUntil({ port: 80 })
    for (const { host } of before.ports) expect(await page(host)).toBe('web\n')
    const address = async (): Promise<string> => (await other.exec(sh('ip -4 -o address show eth0 | grep -o "inet [0-9.]*"'))).stdout
    const first = await address()
    expect(first).toMatch(/^inet 10\./)
    await web.restart()
    await web.waitUntil({ port: 80 })
    expect((await pod.inspect()).ports).toEqual(before.ports)
    expect(await address()).toBe(first)
    expect(await page(8088)).toBe('web\n')
    // Ports are the pod's: they go with its infra container, and not with a member.
    expect((await web.inspect()).ports).toEqual([])
    await web.stop()
    expect((await pod.inspect()).ports).toEqual(before.ports)
    await pod.stop()
    expect((await pod.inspect()).ports).toEqual([])
    await pod.start()
    await web.waitUntil({ port: 80 })
    expect((await pod.inspect()).ports).toEqual(before.ports)
    expect(await page(8088)).toBe('web\n')
    await pod.remove({ force: true })
    await expect(page(8088)).rejects.toThrow()
  })

  it('goes with the pod when it is removed by force', async () => {
    const network = await engine.runtime.networks.create({ name: 'forced' })
    const pod = await engine.runtime.pods.create({ name: 'on-forced', network: { networks: [{ name: 'forced' }] } })
    const inside = await sleeper(engine, pod)
    const beside = await created(engine, ['true'], { network: { networks: [{ name: 'forced' }] } })
    await pod.start()
    expect(await failure(network.remove())).toMatchObject({ code: 'in-use' })
    expect(await network.remove({ force: true })).toEqual({ changed: true })
    expect(await engine.runtime.pods.exists('on-forced')).toBe(false)
    for (const { id } of [inside, beside]) expect(await engine.runtime.containers.exists(id)).toBe(false)
  })

  it('is where its name leads, and where its members find each other by name', async () => {
    const pod = await engine.runtime.pods.create({
      name: 'named',
      network: { networks: [{ name: 'podded', aliases: ['also'] }] },
      extraHosts: [{ name: 'elsewhere', address: '10.9.8.7' }],
      dns: { searches: ['example.com'] },
    })
    const web = await member(engine, pod, server, { name: 'named-web', stopTimeoutMs: 0 })
    const other = await sleeper(engine, pod, { name: 'named-other' })
    await pod.start()
    await web.waitUntil({ port: 80 })
    expect((await pod.inspect()).networks).toEqual(['podded'])
    const hostsOf = async (container: Container): Promise<string> => (await container.exec(['cat', '/etc/hosts'])).stdout
    const hosts = await hostsOf(other)
    expect(hosts).toMatch(/^10\.9\.8\.7\s+elsewhere$/m)
    expect(hosts).toMatch(/^10\.\d+\.\d+\.\d+\s+named\s/m)
    expect(hosts.match(/named-web/g), 'a restart names it no second time').toHaveLength(1)
    await web.stop()
    expect(await hostsOf(other), 'one that has ended is not known any more').toBe(hosts.replace(/^.*\snamed-web\n/m, ''))
    await web.start()
    await web.waitUntil({ port: 80 })
    expect((await hostsOf(other)).split('\n').sort()).toEqual(hosts.split('\n').sort())
    expect((await other.exec(['wget', '-qO-', 'http://named-web/hostname'])).stdout).toBe('named\n')
    expect((await other.exec(['cat', '/etc/resolv.conf'])).stdout).toMatch(/^search example\.com$/m)
    const outside = await started(engine, ['sleep', '1000'], { network: { networks: [{ name: 'podded' }] } })
    expect((await outside.exec(['wget', '-qO-', 'http://also/hostname'])).stdout).toBe('named\n')
    await outside.remove({ force: true })
    await pod.remove({ force: true })
  })

  it('is that of programs that are run to completion in it', async () => {
    const pod = await engine.runtime.pods.create({ name: 'running' })
    const { stdout } = await engine.runtime.containers.run({ image, pod: 'running', command: sh('ls /sys/class/net; hostname') })
    expect(stdout).toBe('eth0\nlo\nrunning\n')
    await pod.remove({ force: true })
  })

  it('is reached by the names of its members', async () => {
    const pod = await engine.runtime.pods.create({ ports: [{ container: 80, hostIp: '127.0.0.1' }] })
    const web = await member(engine, pod, server)
    await pod.start()
    await web.waitUntil({ http: { port: 80, path: '/hostname' } })
    const answer = await fetch(`http://127.0.0.1:${await web.hostPort(80)}/hostname`)
    expect(await answer.text()).toBe((await web.exec(['hostname'])).stdout)
    expect(await failure(web.hostPort(81))).toMatchObject({ code: 'not-found', details: { kind: 'port' } })
    await pod.remove({ force: true })
  })

  it('keeps a network from being removed', async () => {
    const pod = await engine.runtime.pods.create({ network: { networks: [{ name: 'podded' }] } })
    const network = await engine.runtime.networks.get('podded')
    expect(await failure(network.remove())).toMatchObject({
      code: 'in-use',
      details: { users: [`container/${(await infraOf(engine, pod)).id}`] },
    })
    await pod.remove()
  })

  it('ports that are taken keep it from starting, and nothing of it runs', async () => {
    const holder = await started(engine, ['sleep', '1000'], { name: 'holder', network: 'private', ports: [{ container: 80, host: 8099 }] })
    const pod = await engine.runtime.pods.create({ ports: [{ container: 80, host: 8099 }] })
    const web = await member(engine, pod, server)
    const error = await failure(pod.start())
    expect(error).toMatchObject({ code: 'partial-failure', details: { failures: [{ code: 'conflict' }] } })
    expect(error.message).toContain('holder')
    expect(await failure(web.start())).toMatchObject({ code: 'conflict' })
    expect((await pod.inspect()).status).toBe('created')
    await holder.remove({ force: true })
    await pod.start()
    await pod.remove({ force: true })
  })

  it('is the pod’s to decide on', async () => {
    const pod = await engine.runtime.pods.create()
    for (const options of [{ ports: [{ container: 80 }] }, { dns: { servers: ['1.1.1.1'] } }, { extraHosts: [] }])
      expect(await failure(member(engine, pod, ['true'], options))).toMatchObject({
        code: 'invalid-argument',
        details: { path: Object.keys(options)[0] },
      })
    expect(await failure(engine.runtime.pods.create({ network: 'none', ports: [{ container: 80 }] }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'ports' },
    })
    expect(await failure(engine.runtime.pods.create({ network: { networks: [{ name: 'nowhere' }] } }))).toMatchObject({
      code: 'not-found',
      details: { kind: 'network' },
    })
    await pod.remove()
  })
})
