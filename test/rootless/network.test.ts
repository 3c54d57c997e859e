import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { killAll, killHostAndHelper } from '../support/kill.ts'
import { machineState } from '../support/machine.ts'
import { eventually, makePlace } from '../support/place.ts'
import { failure } from '../support/results.ts'
import { startVictim } from '../support/victims.ts'

const engine = useEngine()
const network = 'private'
const server = sh('exec httpd -f -p 80 -h /etc')

/** All pastas, as `pid command line`. */
const pastas = async (): Promise<string[]> => {
  const { processes } = await machineState()
  return processes.filter((line) => /^\d+ (\S*\/)?pasta(\.avx2)? /.test(line))
}

afterEach(() => vi.waitFor(async () => expect(await pastas()).toEqual([]), { timeout: 10_000 }))

const page = async (port: number | undefined): Promise<string> => (await fetch(`http://127.0.0.1:${port}/hostname`)).text()

describe('the network of an ordinary user', () => {
  it('is pasta’s, with one network', async () => {
    expect((await engine.runtime.info()).network).toMatchObject({ backend: 'pasta', path: expect.stringMatching(/pasta$/) })
    expect(await failure(engine.runtime.networks.create({ name: 'mine' }))).toMatchObject({ code: 'unsupported' })
  })

  it('publishes tcp ports, asked for and chosen, also after a restart', async () => {
    const container = await started(engine, server, { network, ports: [{ container: 80, host: 8080 }, { container: 80 }] })
    const { ports, connected } = await container.inspect()
    expect(ports).toEqual([
      { container: 80, host: 8080, protocol: 'tcp' },
      { container: 80, host: expect.any(Number), protocol: 'tcp' },
    ])
    await container.waitUntil({ port: 80 })
    for (const { host } of ports) expect(await page(host)).toBe(`${container.id.slice(0, 12)}\n`)
    const { stdout } = await container.exec(['ip', '-o', '-4', 'address', 'show', 'dev', 'eth0'])
    expect(stdout).toContain(` ${connected[0]?.addresses[0]}/16 `)
    await container.restart({ timeoutMs: 0 })
    await container.waitUntil({ port: 80 })
    expect(await page(8080)).toBe(`${container.id.slice(0, 12)}\n`)
    await container.waitUntil({ http: { port: 80, path: '/hostname' } })
    expect(await failure(container.waitUntil({ http: { port: 81 } }))).toMatchObject({
      code: 'invalid-argument',
      message: expect.stringMatching(/port 81 .* cannot be reached/),
      hint: expect.stringMatching(/container: 81/),
    })
    await container.remove({ force: true })
  })

  it('a second one is refused before anything is changed', async () => {
    const { networks, containers, pods } = engine.runtime
    const second = await networks.create({ name: 'second', driver: 'pasta' })
    const container = await started(engine, server, { network, ports: [{ container: 80 }] })
    const port = await container.hostPort(80)
    const refusal = { code: 'unsupported', details: { what: 'networks' } }
    expect(await failure(second.connect(container.id))).toMatchObject(refusal)
    const hostname = await page(port)
    expect(hostname).not.toBe('')
    await container.remove({ force: true })
    const both = { networks: [{ name: 'podman' }, { name: 'second' }] }
    expect(await failure(containers.create({ image, command: ['true'], network: both }))).toMatchObject(refusal)
    expect(await failure(pods.create({ network: both }))).toMatchObject(refusal)
    const { stdout } = await containers.run({ image, command: sh('ip -4 -o addr | wc -l'), network: { networks: [{ name: 'second' }] } })
    expect(stdout).toBe('2\n')
    await second.remove()
  })

  it('publishes udp ports', async () => {
    const ports = [{ container: 5000, host: 5001, protocol: 'udp' }] as const
    const container = await started(engine, ['sleep', '600'], { network, ports })
    // busybox has no server for udp: it is a process of ours in the container's network namespace.
    const echo =
      "const s = require('node:dgram').createSocket('udp4').on('message', (m, { port, address }) => s.send(m, port, address)); s.bind(5000)"
    const { pid } = (await container.inspect()).state
    const namespaces = [`--user=/proc/${pid}/ns/user`, `--net=/proc/${pid}/ns/net`, '--preserve-credentials']
    const inside = spawn('nsenter', [...namespaces, process.execPath, '-e', echo])
    const socket = createSocket('udp4')
    const heard = once(socket, 'message')
    // What comes before the program listens is lost. Over loopback, the pasta of Debian 12 loses the answers.
    const timer = setInterval(() => socket.send('ping', 5001, '192.0.2.10'), 50)
    expect(String((await heard)[0])).toBe('ping')
    clearInterval(timer)
    inside.kill()
    socket.close()
    await container.remove({ force: true })
  })

  it('leads to the outside', async () => {
    const outside = createServer((_, response) => response.end('outside'))
    outside.listen(0, '192.0.2.10')
    await once(outside, 'listening')
    const { port } = outside.address() as AddressInfo
    const { stdout } = await engine.runtime.containers.run({ image, network, command: ['wget', '-qO-', `http://192.0.2.10:${port}/`] })
    expect(stdout).toBe('outside')
    outside.close()
  })

  it('refuses a port that is taken, and one that only root may have', async () => {
    const holder = await started(engine, server, { network, name: 'holder', ports: [{ container: 80, host: 8080 }] })
    const other = await created(engine, server, { network, ports: [{ container: 80, host: 8080 }] })
    expect(await failure(other.start())).toMatchObject({ code: 'conflict', message: expect.stringContaining('holder') })
    const low = await created(engine, server, { network, ports: [{ container: 80, host: 80 }] })
    expect(await failure(low.start())).toMatchObject({ code: 'permission-denied' })
    await Promise.all([holder, other, low].map((container) => container.remove({ force: true })))
  })

  it('goes with its container, though host, helpers and monitor are killed', { timeout: 60_000 }, async () => {
    const place = await makePlace()
    const victim = startVictim(place, { scenario: 'stay', stay: [{ name: 'victim-net', network, ports: [{ container: 80 }] }] })
    await victim.ready()
    expect(await pastas()).toHaveLength(1)
    await killHostAndHelper(place, victim)
    expect(await pastas()).toHaveLength(1)
    killAll(place, 'conmon')
    await place.with((runtime) => place.clear(runtime))
    await place.quiet()
    await eventually(async () => expect(await pastas()).toEqual([]))
    await place.remove()
  })
})
