import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { networkBackendCases } from 'libpod-ts/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { makeBridge, removeLink } from '../../src/linux/network/make-link.ts'
import type { BackendNetwork } from '../../src/network/backend.ts'
import { netavarkBackend } from '../../src/network/backends/netavark/netavark.ts'
import { readLinks, readRules } from '../support/machine.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'libpod-ts-netavark-'))
const namespaces: string[] = []

afterAll(() => {
  for (const path of namespaces) drop(path)
  rmSync(folder, { recursive: true })
})

function make(): string {
  const path = join(folder, `ns${namespaces.length}`)
  namespaces.push(path)
  writeFileSync(path, '')
  execFileSync('unshare', [`--net=${path}`, 'true'])
  return path
}

function drop(path: string): void {
  try {
    execFileSync('umount', ['--lazy', path], { stdio: 'ignore' })
  } catch {
    // It is gone already.
  }
}

const inside = (namespace: string, command: readonly string[]): string =>
  execFileSync('nsenter', [`--net=${namespace}`, ...command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })

/** In the engine it is the helper process that makes links in other namespaces. */
const makeLinks = (namespace: string, links: readonly string[]): void => {
  for (const link of links)
    if (!inside(namespace, ['ip', 'link']).includes(` ${link}`)) inside(namespace, ['ip', 'link', 'add', link, 'type', 'bridge'])
}

const backend = netavarkBackend({
  config: join(folder, 'config'),
  folders: ['/usr/libexec/podman', '/usr/lib/podman', '/usr/bin'],
  env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  logger: { debug() {}, warn() {}, error() {} },
  async makeNamespace(links) {
    const path = make()
    makeLinks(path, links)
    return { path, fd: -1, close: () => drop(path) }
  },
  async standIn({ namespace, links, bridges, fresh }) {
    for (const bridge of fresh) removeLink(bridge)
    for (const bridge of bridges) makeBridge(bridge)
    makeLinks(namespace, links)
  },
})

const network = (at: number): BackendNetwork => ({
  id: String(at).repeat(64),
  name: `case${at}`,
  driver: 'bridge',
  interfaceName: `case${at}`,
  subnets: [{ subnet: `10.77.${at}.0/24`, gateway: `10.77.${at}.1` }],
  internal: false,
  dns: at === 1,
  options: {},
})

describe('netavark', () => {
  it.each(networkBackendCases)('$name', { timeout: 30_000 }, async ({ run: check }) => {
    await check({
      backend,
      networks: [network(1), network(2)],
      address: ({ subnets }, n) => (subnets[0]?.gateway ?? '').replace(/\d+$/, String(n)),
      namespace: async () => make(),
      dropNamespace: async (path) => drop(path),
      look: async (namespace, command) => (await run('nsenter', [`--net=${namespace}`, 'busybox', ...command])).stdout,
      traces: async () => [...(await readLinks()), ...(await readRules())],
    })
  })

  it('a teardown takes the chain that a netavark left empty when it was killed', async () => {
    const before = await readRules()
    const chain = async (): Promise<string[]> => (await readRules()).filter((rule) => !before.includes(rule))
    const namespace = make()
    const connected = { network: network(1), interfaceName: 'eth0', addresses: ['10.77.1.2'], aliases: [] }
    const ports = [{ protocol: 'tcp', hostIp: '', hostPort: 20_002, containerPort: 80 }] as const
    const request = { namespace, container: { id: 'a'.repeat(64), name: 'a' }, networks: [connected], ports, dnsServers: [] }
    await backend.setup(request)
    const [name = ''] = (await chain()).flatMap((rule) => /^:(NETAVARK-DN-\S+)/.exec(rule)?.[1] ?? [])
    await backend.teardown({ ...request, emptied: [], interrupted: false })
    expect(await chain()).toEqual([])
    await run('iptables', ['--table', 'nat', '--new-chain', name])
    expect(await chain()).toHaveLength(1)
    await backend.teardown({ ...request, emptied: [], interrupted: true })
    expect(await chain()).toEqual([])
  })
})
