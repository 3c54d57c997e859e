import { closeSync, openSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { AbortOptions } from '../../../base/abort.ts'
import { crypto } from '../../../base/crypto.ts'
import { LibpodError } from '../../../base/errors.ts'
import { once } from '../../../base/once.ts'
import { findProgram } from '../../../linux/process/find-program.ts'
import { commandFailed, runProgram } from '../../../linux/process/run-program.ts'
import { endProcessesOf } from '../../../linux/processes-of.ts'
import type { BackendNetwork, ConnectedNetwork, MappedPort, NetworkBackend, NetworkBackendInfo, NetworkRequest } from '../../backend.ts'
import { checkNetworkCount } from '../../check-count.ts'

/** What {@link pastaBackend} is made with. */
export interface PastaOptions {
  /** Where the pid files lie. */
  readonly config: string
  /** Where the program is looked for, in this order. */
  readonly folders: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Runs a program where containers are, with a network namespace, which this process has open, as a file at `at`. */
  run(program: ProgramAtNamespace, options: AbortOptions): Promise<ProgramEnd>
}

/** A program that needs the file of a network namespace. */
export interface ProgramAtNamespace {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly namespace: number
  readonly at: string
}

/** How it ended, or went into the background. */
export interface ProgramEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

const driver = 'pasta'
/** One process carries one network. */
const served = { name: 'pasta', maxNetworks: 1 } as const

/**
 * Makes the backend for containers of an ordinary user, who can make no bridges on the host: pasta, one small process for each container,
 * carries what it sends and gets through sockets of its own. Containers reach the internet, and the host reaches their published
 * ports; among each other they are strangers. There is one network, the default one, and the container has its address there
 * all the same.
 *
 * pasta ends when it is told to, and not by itself: that it is gone after a teardown is what its pid file, an argument of the process, is for.
 */
export function pastaBackend(options: PastaOptions): NetworkBackend {
  const info = once(() => findPasta(options))
  const pidFile = (container: string): string => join(options.config, `pasta-${container}.pid`)
  return {
    ...served,
    owns: { config: false, addresses: false },
    reach: 'ports',
    info,
    async validate(network) {
      checkNetwork(network)
    },
    async setup(request, { signal } = {}) {
      const [network] = request.networks
      checkNetworkCount(served, request.networks.length)
      if (network === undefined) return {}
      await mkdir(options.config, { recursive: true, mode: 0o700 })
      const mac = network.mac ?? macOf(request.container.id)
      const argv = [(await info()).path, ...argumentsFor({ network, mac, ports: request.ports, pidFile: pidFile(request.container.id) })]
      await runPasta(options, request, argv, signal)
      return { [network.network.id]: { mac, dnsServers: [], searchDomains: [] } }
    },
    async teardown({ container }) {
      await endProcessesOf(pidFile(container.id))
      await rm(pidFile(container.id), { force: true })
    },
  }
}

async function runPasta(
  options: PastaOptions,
  { namespace, container }: NetworkRequest,
  argv: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const fd = openSync(namespace, 'r')
  try {
    const at = join(options.config, `netns-${container.id}`)
    const end = await options.run({ argv: [...argv, '--netns', at], env: options.env, namespace: fd, at }, { signal })
    if (end.code !== 0) throw refused(argv, end)
  } finally {
    closeSync(fd)
  }
}

/** All four kinds of forwarding have to be named: what is not would be done by itself. */
export function argumentsFor({
  network: { addresses, network, interfaceName },
  mac,
  ports,
  pidFile,
}: {
  readonly network: ConnectedNetwork
  readonly mac: string
  readonly ports: readonly MappedPort[]
  readonly pidFile: string
}): string[] {
  const [address = ''] = addresses
  const [subnet] = network.subnets
  return [
    ...['--config-net', '--quiet', '--ipv4-only', '--no-netns-quit', '--netns-only', '--no-map-gw', '--pid', pidFile],
    ...['--ns-ifname', interfaceName, '--ns-mac-addr', mac],
    ...['--address', address, '--netmask', subnet?.subnet.split('/')[1] ?? '24', '--gateway', subnet?.gateway ?? ''],
    ...forwards('--tcp-ports', 'tcp', ports),
    ...forwards('--udp-ports', 'udp', ports),
    ...['--tcp-ns', 'none', '--udp-ns', 'none'],
  ]
}

function forwards(option: string, protocol: MappedPort['protocol'], ports: readonly MappedPort[]): string[] {
  const wanted = ports.filter((port) => port.protocol === protocol)
  if (wanted.length === 0) return [option, 'none']
  return wanted.flatMap(({ hostIp, hostPort, containerPort }) => [
    option,
    `${hostIp === '' ? '' : `${hostIp}/`}${hostPort}:${containerPort}`,
  ])
}

/** The same for a container at each of its starts. */
function macOf(container: string): string {
  const [first = 0, ...bytes] = crypto().createHash('sha256').update(container).digest().subarray(0, 6)
  // Given out locally, and meant for one.
  return [(first & 0xfc) | 2, ...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

async function findPasta({ folders, env }: PastaOptions): Promise<NetworkBackendInfo> {
  const path = await findProgram('pasta', folders)
  if (path !== undefined) {
    const { stdout } = await runProgram({ file: path, args: ['--version'], env, timeoutMs: 10_000 })
    return { version: /^pasta (\S+)/m.exec(stdout.toString())?.[1] ?? 'unknown', path, drivers: [driver] }
  }
  throw new LibpodError(
    'unavailable',
    'pasta, which connects the containers of an ordinary user, is not installed.',
    { what: 'pasta', install: 'apt-get install passt' },
    { hint: "Install it: apt-get install passt, or dnf install passt; or use network: 'none' or 'host'." },
  )
}

function checkNetwork({ driver: asked, internal, dns, options }: BackendNetwork): void {
  const what = asked !== driver ? `${asked} networks` : internal ? 'internal networks' : dns ? 'names between containers' : undefined
  if (what === undefined && Object.keys(options).length === 0) return
  throw new LibpodError(
    'unsupported',
    `Without root there are no ${what ?? 'options of networks'} here: pasta knows only the way to the outside.`,
    { what: what ?? 'options' },
    { hint: 'Use the default network, or make networks as root.' },
  )
}

function refused(argv: readonly string[], { code, signal, output }: ProgramEnd): Error {
  const text = output.replace(/^Failed to send \d+ bytes to syslog\n?/gm, '')
  if (!text.includes('External interface not usable')) return commandFailed(argv, { code, signal, stderr: Buffer.from(text) })
  return new LibpodError(
    'unavailable',
    'This host has no way to the outside that containers could share: no route leads there.',
    { what: 'default route' },
    { hint: "Connect the host, or use network: 'none'." },
  )
}
