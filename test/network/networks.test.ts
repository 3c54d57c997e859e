import { appendFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { CreateNetworkOptions } from 'libpod-ts'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
const create = (options?: CreateNetworkOptions) => engine.runtime.networks.create(options)

afterEach(async () => {
  for (const { id } of await engine.runtime.containers.list()) await engine.runtime.containers.ref(id).remove({ force: true })
  await engine.runtime.networks.prune()
})

describe('a network', () => {
  it('gets a name, a bridge and a free subnet of its own', async () => {
    const [one, other] = await Promise.all([create(), create({ name: 'mine', labels: { a: 'b' }, options: { mtu: '1400' } })])
    const [first, second] = await Promise.all([one.inspect(), other.inspect()])
    expect(second).toMatchObject({
      name: 'mine',
      labels: { a: 'b' },
      driver: 'bridge',
      dns: true,
      options: { mtu: '1400' },
      backend: 'netavark',
    })
    expect(first.subnets[0]?.subnet).toMatch(/^10\.89\.\d+\.0\/24$/)
    expect(first.subnets).not.toEqual(second.subnets)
    expect(first.interfaceName).not.toBe(second.interfaceName)
    expect(await (await engine.runtime.networks.get(second.id.slice(0, 12))).inspect()).toEqual(second)
    expect(await engine.runtime.networks.exists('mine')).toBe(true)
    expect(await engine.runtime.networks.find('nothing')).toBeUndefined()
  })

  it('is listed and filtered, and goes when nobody uses it', async () => {
    await create({ name: 'red', labels: { color: 'red' } })
    await create({ name: 'blue', labels: { color: 'blue' }, dns: false })
    const container = await created(engine, ['true'], { network: { networks: [{ name: 'blue' }] } })
    const names = async (filters: object) => (await engine.runtime.networks.list({ filters })).map(({ name }) => name)
    expect(await names({ label: 'color=red' })).toEqual(['red'])
    expect(await names({ name: '^bl' })).toEqual(['blue'])
    expect(await names({ dangling: 'true', driver: 'bridge', label: 'color' })).toEqual(['red'])
    expect(await names({ until: '1h' })).toEqual([])
    expect((await engine.runtime.containers.list({ filters: { network: 'blue' } })).map(({ id }) => id)).toEqual([container.id])
    expect(await failure(engine.runtime.networks.list({ filters: { colour: 'red' } as never }))).toMatchObject({ code: 'invalid-argument' })
    expect(await failure(engine.runtime.networks.list({ filters: { name: '[' } }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'filters.name', value: '[' },
    })
    expect(await engine.runtime.networks.prune()).toEqual({ removed: ['red'] })
    await container.remove()
    expect(await engine.runtime.networks.prune({ filters: { label: 'color=blue' } })).toEqual({ removed: ['blue'] })
  })

  it('internal: no way out', async () => {
    await create({ name: 'closed', internal: true })
    const ports = [{ container: 80 }]
    const container = await started(engine, ['sleep', '600'], { network: { networks: [{ name: 'closed' }] }, ports })
    expect((await container.exec(sh('ip route'))).stdout).not.toContain('default')
    expect((await container.inspect()).ports).toEqual([])
    const refused = await failure(container.hostPort(80))
    expect(refused).toMatchObject({ code: 'not-found', details: { ref: '80/tcp' } })
    expect(refused.hint).toContain('internal')
    await (await create({ name: 'open' })).connect(container.id)
    expect((await container.inspect()).ports).toEqual([{ container: 80, host: expect.any(Number), protocol: 'tcp' }])
  })

  it('tells what happens to it', async () => {
    const seen: string[] = []
    const stop = engine.runtime.on('network', ({ action, name }) => void seen.push(`${action} ${name}`))
    const network = await create({ name: 'told' })
    await network.remove()
    stop()
    expect(seen).toEqual(['create told', 'remove told'])
  })
})

describe('containers in networks', () => {
  it('have the address, the mac and the interface that were asked for', async () => {
    await create({ name: 'fixed', subnets: [{ subnet: '10.99.0.0/24', gateway: '10.99.0.254' }] })
    const place = { name: 'fixed', staticIps: ['10.99.0.77'], staticMac: '92:d0:c6:0a:29:33', interfaceName: 'web0' }
    const container = await started(engine, ['sleep', '600'], { network: { networks: [place] } })
    const { stdout } = await container.exec(sh('ip address show web0; ip route'))
    expect(stdout).toContain('inet 10.99.0.77/24')
    expect(stdout).toContain('92:d0:c6:0a:29:33')
    expect(stdout).toContain('default via 10.99.0.254')
    const second = await created(engine, ['true'], { network: { networks: [place] } })
    const refused = await failure(second.start())
    expect(refused).toMatchObject({ code: 'conflict', details: { what: '10.99.0.77' } })
    expect(refused.message).toContain((await container.inspect()).name)
  })

  it('find each other by name, alias and id', async () => {
    await create({ name: 'dns' })
    const network = { networks: [{ name: 'dns', aliases: ['db'] }] }
    const server = await started(engine, ['sleep', '600'], { name: 'server', network })
    const client = await started(engine, ['sleep', '600'], { name: 'client', network: { networks: [{ name: 'dns' }] } })
    const address = (await server.exec(sh('ip -4 -o address show eth0 | grep -o "inet [0-9.]*" | cut -c6-'))).stdout.trim()
    expect((await client.exec(['cat', '/etc/resolv.conf'])).stdout).toMatch(/^search dns\.podman\b.*\nnameserver 10\.89\.\d+\.1$/m)
    // aardvark-dns is told by a signal: it may read its files a moment later.
    for (const name of ['server', 'db', server.id.slice(0, 12)])
      await vi.waitFor(async () => expect((await client.exec(['nslookup', `${name}.dns.podman`])).stdout, name).toContain(address), 5000)
  })

  it('are in several networks, and can be connected and disconnected while they run', async () => {
    const [one, other] = [await create({ name: 'one' }), await create({ name: 'other' })]
    const container = await started(engine, sh('exec httpd -f -p 80 -h /etc'), { name: 'moved', network: { networks: [{ name: 'one' }] } })
    const links = async (): Promise<string> => (await container.exec(sh('ls /sys/class/net | tr "\\n" " "'))).stdout.trim()
    const resolver = async (): Promise<number> =>
      (await container.exec(sh('grep -c "^nameserver 10.89" /etc/resolv.conf'))).stdout.trim() as never
    expect(await links()).toBe('eth0 lo')
    const events: unknown[] = []
    const stop = engine.runtime.on('network', ({ action, name, attributes }) => void events.push([action, name, attributes['container']]))
    await other.connect('moved', { aliases: ['x'] })
    expect(await links()).toBe('eth0 eth1 lo')
    expect(await resolver()).toBe('2')
    const [member] = (await other.inspect()).containers
    expect(member).toMatchObject({ id: container.id, interfaceName: 'eth1' })
    expect((await container.exec(['cat', '/etc/hosts'])).stdout).toContain(`${member?.addresses[0]}\t`)
    expect(await (await fetch(`http://${member?.addresses[0]}/hostname`)).text()).toContain(container.id.slice(0, 12))
    expect(await failure(other.connect('moved'))).toMatchObject({ code: 'conflict' })
    expect((await container.inspect()).networks).toEqual(['one', 'other'])
    await one.disconnect('moved')
    expect(await links()).toBe('eth1 lo')
    expect(await resolver()).toBe('1')
    expect(await failure(one.disconnect('moved'))).toMatchObject({ code: 'not-found' })
    stop()
    expect(events).toEqual([
      ['connect', 'other', container.id],
      ['disconnect', 'one', container.id],
    ])
    await one.remove()
    expect(await failure(other.remove())).toMatchObject({ code: 'in-use' })
    await container.restart({ timeoutMs: 0 })
    expect(await links()).toBe('eth0 lo')
    await other.disconnect('moved')
    expect(await links()).toBe('lo')
  })

  it('keep the network that has an interface which is asked for again', async () => {
    const [first, second] = [await create({ name: 'first-link' }), await create({ name: 'second-link' })]
    const container = await started(engine, ['sleep', '600'], { name: 'linked', network: { networks: [{ name: first.name }] } })
    const links = async (): Promise<string> => (await container.exec(sh('ip -4 -o address show eth0'))).stdout
    const before = await links()
    const refused = await failure(second.connect('linked', { interfaceName: 'eth0' }))
    expect(refused).toMatchObject({ code: 'conflict', details: { what: 'eth0' } })
    expect(refused.message).toContain('first-link')
    expect(await links()).toBe(before)
    expect((await container.inspect()).networks).toEqual(['first-link'])
  })

  it('get no second interface of one name while they are stopped', async () => {
    await create({ name: 'first-link' })
    const second = await create({ name: 'second-link' })
    const network = { networks: [{ name: 'first-link', interfaceName: 'web0' }] }
    const container = await created(engine, ['sleep', '600'], { name: 'unlinked', network })
    expect(await failure(second.connect('unlinked', { interfaceName: 'web0' }))).toMatchObject({
      code: 'conflict',
      details: { what: 'web0' },
    })
    await second.connect('unlinked', { interfaceName: 'web1' })
    await container.start()
    expect((await container.exec(sh('ls /sys/class/net | tr "\\n" " "'))).stdout.trim()).toBe('lo web0 web1')
  })

  it('have aliases that are host names', async () => {
    const network = await create({ name: 'named' })
    const place = { name: 'named', aliases: ['fine.name_1', 'my db'] }
    expect(await failure(created(engine, ['true'], { network: { networks: [place] } }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'network.networks[0].aliases[1]' },
    })
    expect(await failure(engine.runtime.pods.create({ network: { networks: [{ name: 'named', aliases: ['a\nb'] }] } }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'network.networks[0].aliases[0]' },
    })
    for (const alias of ['', 'a,b', 'a..b', '.', 'é', 'a\0', 'z'.repeat(64), 'z.'.repeat(127), `${'z.'.repeat(126)}zz`])
      expect(await failure(network.connect('nobody', { aliases: [alias] })), alias).toMatchObject({
        code: 'invalid-argument',
        details: { path: 'aliases[0]' },
      })
  })

  it.each([false, true])('leave nothing for aardvark-dns that it cannot read (internal: %s)', async (internal) => {
    await create({ name: 'broken', internal })
    const container = await started(engine, ['sleep', '600'], { network: { networks: [{ name: 'broken' }] } })
    const folder = join(engine.runRoot, 'networks', 'aardvark-dns')
    const { id } = await (await engine.runtime.networks.get('broken')).inspect()
    const files = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.startsWith(id))
    const [file = ''] = await files()
    await appendFile(join(folder, file), 'nothing that it knows\n')
    await container.remove({ force: true })
    await engine.runtime.networks.prune()
    expect(await files()).toEqual([])
  })

  it('get no address that a link cannot have', async () => {
    const network = await create({ name: 'addressless' })
    for (const [path, place] of [
      ['staticIps[0]', { staticIps: ['not an ip'] }],
      ['staticIps[1]', { staticIps: ['10.89.0.9', 'fe80::1%lo'] }],
      ['staticMac', { staticMac: 'ff:ff:ff:ff:ff:ff' }],
      ['staticMac', { staticMac: '00:00:00:00:00:00' }],
    ] as const)
      expect(await failure(network.connect('nobody', place))).toMatchObject({ code: 'invalid-argument', details: { path } })
  })

  it('get no interface that the kernel refuses', async () => {
    const network = await create({ name: 'linkless' })
    for (const interfaceName of ['lo', '..', 'default', 'a%d', 'é'.repeat(15)])
      expect(await failure(network.connect('nobody', { interfaceName }))).toMatchObject({
        code: 'invalid-argument',
        details: { path: 'interfaceName' },
      })
    const place = { name: 'linkless', interfaceName: 'lo' }
    expect(await failure(created(engine, ['true'], { network: { networks: [place] } }))).toMatchObject({
      code: 'invalid-argument',
      details: { path: 'network.networks[0].interfaceName' },
    })
  })

  it('that have no network of their own cannot be connected', async () => {
    const network = await create({ name: 'alone' })
    const container = await created(engine, ['true'], { network: 'none' })
    expect(await failure(network.connect(container.id))).toMatchObject({ code: 'invalid-state' })
    expect(await failure(network.connect('nobody'))).toMatchObject({ code: 'not-found', details: { kind: 'container' } })
  })
})

describe('an address', () => {
  it('can be had again as soon as its container was stopped or removed', async () => {
    await create({ name: 'again', subnets: [{ subnet: '10.95.0.0/24' }] })
    await create({ name: 'tight', subnets: [{ subnet: '10.94.0.0/30' }] })
    const asked = { networks: [{ name: 'again', staticIps: ['10.95.0.9'] }] }
    const first = await started(engine, ['sleep', '600'], { network: asked })
    await first.remove({ force: true })
    await started(engine, ['sleep', '600'], { network: asked })
    const last = await started(engine, ['sleep', '600'], { network: { networks: [{ name: 'tight' }] } })
    await last.stop({ timeoutMs: 0 })
    await started(engine, ['sleep', '600'], { network: { networks: [{ name: 'tight' }] } })
  })
})

describe('refused', () => {
  it.each<[string, string, object]>([
    ['invalid-argument', 'name', { name: '-x' }],
    ['invalid-argument', 'name', { name: 'host' }],
    ['invalid-argument', 'subnets[0].subnet', { subnets: [{ subnet: '10.0.0.0' }] }],
    ['invalid-argument', 'subnets[0].subnet', { subnets: [{ subnet: '10.97.0.0/31' }] }],
    ['invalid-argument', 'subnets[0].gateway', { subnets: [{ subnet: '10.97.0.0/24', gateway: '10.98.0.1' }] }],
    ['invalid-argument', 'options.speed', { options: { speed: '1' } }],
    ['invalid-argument', 'options.mtu', { options: { mtu: 'big' } }],
    ['invalid-argument', 'colour', { colour: 'red' }],
    ['invalid-argument', 'options.mtu', { options: { mtu: '67' } }],
    ['invalid-argument', 'options.mtu', { options: { mtu: '65536' } }],
    ['invalid-argument', 'interfaceName', { interfaceName: 'all' }],
    ['invalid-argument', 'interfaceName', { interfaceName: 'é'.repeat(15) }],
  ])('%s at %s', async (code, path, options) => {
    expect(await failure(create(options as never))).toMatchObject({ code, details: { path } })
  })

  it('what is not there, not known, or in use', async () => {
    expect(await failure(create({ driver: 'macvlan' }))).toMatchObject({ code: 'unsupported', details: { what: 'macvlan' } })
    expect(await failure(create({ subnets: [{ subnet: 'fd00::/64' }] }))).toMatchObject({ code: 'unsupported' })
    await create({ name: 'first', subnets: [{ subnet: '10.97.0.0/24' }] })
    expect(await failure(create({ name: 'first' }))).toMatchObject({ code: 'already-exists' })
    const overlapping = await failure(create({ subnets: [{ subnet: '10.97.0.128/25' }] }))
    expect(overlapping).toMatchObject({ code: 'conflict' })
    expect(overlapping.message).toContain('the network first')
    expect(await failure(create({ subnets: [{ subnet: '127.0.0.0/24' }] }))).toMatchObject({ code: 'conflict' })
    expect(await failure(created(engine, ['true'], { network: { networks: [{ name: 'nothing' }] } }))).toMatchObject({
      code: 'not-found',
      details: { kind: 'network', ref: 'nothing' },
    })
  })

  it('a container more than a subnet has room for', async () => {
    await create({ name: 'small', subnets: [{ subnet: '10.96.0.0/30' }] })
    const network = { networks: [{ name: 'small' }] }
    await started(engine, ['sleep', '600'], { network })
    const second = await created(engine, ['sleep', '600'], { network })
    expect(await failure(second.start())).toMatchObject({ code: 'conflict', details: { what: 'network small' } })
  })
})
