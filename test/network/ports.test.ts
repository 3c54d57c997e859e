import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
const network = 'private'
const server = sh('exec httpd -f -p 80 -h /etc')

const page = async (port: number | undefined, host = '127.0.0.1'): Promise<string> =>
  (await fetch(`http://${host}:${port}/hostname`)).text()

describe('published ports', () => {
  it('tcp: one that was asked for, and one that is chosen', async () => {
    const container = await started(engine, server, { network, ports: [{ container: 80, host: 8080 }, { container: 80 }] })
    const { ports } = await container.inspect()
    expect(ports).toEqual([
      { container: 80, host: 8080, protocol: 'tcp' },
      { container: 80, host: expect.any(Number), protocol: 'tcp' },
    ])
    for (const { host } of ports) expect(await page(host)).toBe(`${container.id.slice(0, 12)}\n`)
    expect((await engine.runtime.containers.list()).find(({ id }) => id === container.id)?.ports).toEqual(ports)
    await container.restart({ timeoutMs: 0 })
    expect((await container.inspect()).ports, 'the same again').toEqual(ports)
    await container.stop({ timeoutMs: 0 })
    expect((await container.inspect()).ports).toEqual([])
    await container.remove()
  })

  it('udp, on one address of the host', async () => {
    const ports = [{ container: 5000, host: 5001, protocol: 'udp', hostIp: '127.0.0.1' }] as const
    const container = await started(engine, ['sleep', '600'], { network, ports })
    // busybox has no server for udp: it is a process of ours in the container's network namespace.
    const echo =
      "const s = require('node:dgram').createSocket('udp4').on('message', (m, { port, address }) => s.send(m, port, address)); s.bind(5000)"
    const inside = spawn('nsenter', [`--net=/proc/${(await container.inspect()).state.pid}/ns/net`, process.execPath, '-e', echo])
    const socket = createSocket('udp4')
    const heard = once(socket, 'message')
    // What comes before the program listens is lost.
    const timer = setInterval(() => socket.send('ping', 5001, '127.0.0.1'), 50)
    expect(String((await heard)[0])).toBe('ping')
    clearInterval(timer)
    socket.close()
    inside.kill()
    expect((await container.inspect()).ports).toEqual([{ container: 5000, host: 5001, protocol: 'udp', hostIp: '127.0.0.1' }])
    await container.remove({ force: true })
  })

  it('a large range whose place is left open, in one mapping', async () => {
    const container = await started(engine, ['sleep', '600'], { network, ports: [{ container: 1000, range: 700 }] })
    const { ports } = await container.inspect()
    expect(ports).toHaveLength(700)
    expect(ports.at(-1)?.host).toBe((ports[0]?.host ?? 0) + 699)
    await container.remove({ force: true })
  })

  it('a range', async () => {
    const container = await created(engine, ['sleep', '600'], { network, ports: [{ container: 7000, host: 7100, range: 3 }] })
    await container.start()
    expect((await container.inspect()).ports.map(({ container: inside, host }) => [inside, host])).toEqual([
      [7000, 7100],
      [7001, 7101],
      [7002, 7102],
    ])
    await container.remove({ force: true })
  })

  it('are told of as long as they are reached: they go with the last network, and come with the next', async () => {
    const container = await started(engine, server, { network, ports: [{ container: 80, host: 8082 }] })
    const { networks } = engine.runtime
    const [only = ''] = (await container.inspect()).networks
    await (await networks.get(only)).disconnect(container.id)
    expect((await container.inspect()).ports).toEqual([])
    expect(await failure(container.hostPort(80))).toMatchObject({ code: 'not-found' })
    await (await networks.get(only)).connect(container.id)
    expect((await container.inspect()).ports).toEqual([{ container: 80, host: 8082, protocol: 'tcp' }])
    expect(await page(await container.hostPort(80))).toBe(`${container.id.slice(0, 12)}\n`)
    await container.remove({ force: true })
  })

  it('are of IPv4', async () => {
    const container = await created(engine, server, { network, ports: [{ container: 80, hostIp: '::1' }] })
    expect(await failure(container.start())).toMatchObject({ code: 'unsupported', message: expect.stringContaining('::1') })
    await container.remove()
  })

  it('are free for the next one as soon as their container is gone', async () => {
    for (let round = 0; round < 2; round++) {
      const container = await started(engine, ['sleep', '600'], { network, ports: [{ container: 80, host: 8081 }] })
      await container.remove({ force: true })
    }
  })
})

describe('refused', () => {
  const taken = createServer()
  afterAll(() => taken.close())

  it('a port that another container has, or another program: and says which', async () => {
    const holder = await started(engine, ['sleep', '600'], { name: 'holder', network, ports: [{ container: 80, host: 8082 }] })
    const second = await created(engine, ['sleep', '600'], { network, ports: [{ container: 80, host: 8082, hostIp: '127.0.0.1' }] })
    const refused = await failure(second.start())
    expect(refused).toMatchObject({ code: 'conflict', details: { what: 'tcp port 8082' } })
    expect(refused.message).toContain('container holder')
    await holder.remove({ force: true })
    await second.start()
    await second.remove({ force: true })

    taken.listen(8083, '0.0.0.0')
    await once(taken, 'listening')
    const third = await created(engine, ['sleep', '600'], { network, ports: [{ container: 80, host: 8083 }] })
    const other = await failure(third.start())
    expect(other).toMatchObject({ code: 'conflict', details: { what: 'tcp port 8083' } })
    expect(other.message).toContain(`process ${process.pid}`)
    await third.remove()
  })

  it('ports without a network of its own', async () => {
    for (const mode of ['none', 'host'] as const)
      expect(await failure(created(engine, ['true'], { network: mode, ports: [{ container: 80 }] }))).toMatchObject({
        code: 'invalid-argument',
        details: { path: 'ports' },
      })
  })

  it.each([
    ['ports[0].container', [{ container: 0 }]],
    ['ports[0].host', [{ container: 80, host: 70_000 }]],
    ['ports[0].hostIp', [{ container: 80, hostIp: 'localhost' }]],
    ['ports[0].protocol', [{ container: 80, protocol: 'sctp' }]],
    ['ports[0].host', [{ container: 80, host: 65_530, range: 10 }]],
    ['ports[0].port', [{ container: 80, port: 8080 }]],
  ])('a bad value at %s', async (path, ports) => {
    expect(await failure(created(engine, ['true'], { network, ports } as never))).toMatchObject({
      code: 'invalid-argument',
      details: { path },
    })
  })

  it('an address that this host does not have', async () => {
    const container = await created(engine, ['true'], { network, ports: [{ container: 80, host: 8084, hostIp: '192.0.2.1' }] })
    expect(await failure(container.start())).toMatchObject({ code: 'invalid-argument', details: { path: 'ports.hostIp' } })
    await container.remove()
  })
})
