import { describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
const network = 'private'

describe('a container is ready', () => {
  it('when its port is open, or answers', async () => {
    const script = 'mkdir /www; echo hello > /www/index.html; sleep 0.3; exec httpd -f -p 80 -h /www'
    const container = await started(engine, sh(script), { network, ports: [{ container: 80 }] })
    await container.waitUntil({ port: 80 }, { timeoutMs: 10_000 })
    await container.waitUntil({ http: { port: 80, path: '/index.html' } }, { timeoutMs: 10_000 })
    await container.waitUntil({ http: { port: 80, path: '/nothing', status: 404 } }, { timeoutMs: 10_000 })
    const port = await container.hostPort(80)
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('hello\n')
    const info = await container.inspect()
    expect(info.connected).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{64}$/),
        name: 'podman',
        interfaceName: 'eth0',
        addresses: [expect.stringMatching(/^10\.88\./)],
        gateways: ['10.88.0.1'],
        mac: expect.stringMatching(/^[0-9a-f:]{17}$/),
        aliases: [],
      },
    ])
    expect(await failure(container.hostPort(81))).toMatchObject({ code: 'not-found', details: { kind: 'port', ref: '81/tcp' } })
    expect(await failure(container.hostPort(80, 'udp'))).toMatchObject({ code: 'not-found' })
    await container.remove({ force: true })
  })

  it('without a network: its port can be seen, its answers cannot', async () => {
    const container = await started(engine, sh('sleep 0.2; exec httpd -f -p 8000'), { network: 'none' })
    await container.waitUntil({ port: 8000 }, { timeoutMs: 10_000 })
    expect(await failure(container.waitUntil({ http: { port: 8000 } }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'http' },
    })
    await container.remove({ force: true })
  })

  it('never, when it has ended or takes too long', async () => {
    const container = await started(engine, sh('sleep 0.2'), { network: 'none' })
    expect(await failure(container.waitUntil({ port: 80 }))).toMatchObject({ code: 'unavailable' })
    await container.remove()
    const slow = await started(engine, ['sleep', '600'], { network, ports: [{ container: 80 }] })
    expect(await failure(slow.waitUntil({ port: 80 }, { timeoutMs: 100 }))).toMatchObject({ code: 'unavailable' })
    const controller = new AbortController()
    const waiting = slow.waitUntil({ http: { port: 80 } }, { signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await slow.stop({ timeoutMs: 0 })
    expect((await failure(slow.hostPort(80))).message).toContain('Start the container first')
    await slow.remove()
  })
})

describe('names', () => {
  it('what was asked for stands in both files', async () => {
    const container = await started(engine, ['sleep', '600'], {
      network,
      dns: { servers: ['192.0.2.53'], searches: ['example.com'], options: ['ndots:2'] },
      extraHosts: [
        { name: 'db', address: '192.0.2.7' },
        { name: 'me', address: 'host-gateway' },
      ],
    })
    expect((await container.exec(['cat', '/etc/resolv.conf'])).stdout).toBe('search example.com\nnameserver 192.0.2.53\noptions ndots:2\n')
    const hosts = (await container.exec(['cat', '/etc/hosts'])).stdout
    expect(hosts).toMatch(/^192\.0\.2\.7\tdb$/m)
    expect(hosts).toMatch(/^\d+\.\d+\.\d+\.\d+\tme$/m)
    await container.remove({ force: true })
    expect(await failure(created(engine, ['true'], { network: 'none', dns: { servers: ['192.0.2.53'] } }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'dns' },
    })
    const base = await created(engine, ['true'], { network: 'none' })
    for (const [path, options] of Object.entries({
      dns: { dns: { servers: ['192.0.2.53'] } },
      extraHosts: { extraHosts: [{ name: 'q', address: '192.0.2.1' }] },
    })) {
      const refused = await failure(created(engine, ['true'], { network: { container: base.id }, ...options }))
      expect(refused).toMatchObject({ code: 'invalid-argument', details: { path } })
      expect(refused.message).toContain('the files of the other')
    }
    for (const [path, options] of Object.entries({
      'dns.servers[0]': { dns: { servers: ['fe80::1%eth0'] } },
      'extraHosts[0].address': { extraHosts: [{ name: 'q', address: 'fe80::1%eth0' }] },
      'ports[0].hostIp': { ports: [{ container: 80, hostIp: 'fe80::1%lo' }] },
    }))
      expect(await failure(created(engine, ['true'], { network, ...options }))).toMatchObject({
        code: 'invalid-argument',
        details: { path },
      })
    expect(await failure(created(engine, ['true'], { network, dns: { servers: ['dns.example'] } }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'dns.servers[0]' },
    })
  })

  it('are looked up as well in a network namespace that somebody else made', async () => {
    const path = { network: { path: `/proc/${process.pid}/ns/net` } }
    const asking = await started(engine, ['sleep', '600'], { ...path, dns: { servers: ['192.0.2.53'] } })
    expect((await asking.exec(['cat', '/etc/resolv.conf'])).stdout).toMatch(/^nameserver 192\.0\.2\.53$/m)
    const plain = await started(engine, ['sleep', '600'], path)
    expect((await plain.exec(['cat', '/etc/resolv.conf'])).stdout).toMatch(/^nameserver /m)
  })
})

it('tells what connects containers', async () => {
  expect((await engine.runtime.info()).network).toEqual({
    backend: 'netavark',
    version: expect.stringMatching(/^\d+\.\d+/),
    path: expect.stringMatching(/\/netavark$/),
    dns: { path: expect.stringMatching(/\/aardvark-dns$/) },
  })
})
