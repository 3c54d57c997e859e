import { mkdir } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { isLibpodError, LibpodError } from '../../../base/errors.ts'
import type { Logger } from '../../../base/logger.ts'
import { once } from '../../../base/once.ts'
import type { HeldNamespace } from '../../../linux/network/namespace.ts'
import type { BackendNetwork, NetworkBackend, NetworkBackendInfo, NetworkRequest, NetworkTeardown } from '../../backend.ts'
import { dropDnsFiles } from './dns-files.ts'
import { dropEmptyChains } from './empty-chains.ts'
import { findPrograms } from './programs.ts'
import { parseStatus, requestText } from './request.ts'
import { type NetavarkPlace, orphansEnded, runNetavark } from './run.ts'

/** What {@link netavarkBackend} is made with. */
export interface NetavarkOptions extends NetavarkPlace {
  /** Where the programs are looked for, in this order. */
  readonly folders: readonly string[]
  readonly logger: Logger
  /** Makes a namespace with these links in it. */
  makeNamespace(links: readonly string[]): Promise<HeldNamespace>
  /** Makes links in a namespace and bridges on the host, where they are missing; `fresh` ones are made anew. */
  standIn(params: {
    readonly namespace: string
    readonly links: readonly string[]
    readonly bridges: readonly string[]
    readonly fresh: readonly string[]
  }): Promise<void>
}

/** The options of bridges that netavark knows. */
const bridgeOptions = ['mtu', 'isolate', 'metric']

/**
 * Makes the backend that has netavark do the work, one process a call: some 65 ms to set up and 200 to take down, with version 1.4.
 *
 * netavark takes a network down only when it finds everything as its setup left it: the link in the container's namespace, and the bridge
 * without other ports. Where something of that is missing, because somebody was killed on the way, empty links are put in its place first.
 */
export function netavarkBackend(options: NetavarkOptions): NetworkBackend {
  const { folders, env } = options
  const info = once(() => findPrograms(folders, env))
  return {
    name: 'netavark',
    owns: { config: false, addresses: false },
    reach: 'address',
    info,
    async validate(network) {
      checkNetwork(network)
      if (network.dns && (await info()).dns === undefined) throw noDns(network.name)
    },
    async setup(request, { signal } = {}) {
      refuseIPv6(request)
      await mkdir(options.config, { recursive: true, mode: 0o700 })
      const { namespace } = request
      return parseStatus(
        await runNetavark(await info(), options, { verb: 'setup', namespace, input: requestText(request), signal }),
        request,
      )
    },
    async teardown(request) {
      await teardown(options, info, request)
      await dropDnsFiles(options, request)
    },
  }
}

async function teardown(options: NetavarkOptions, info: NetworkBackend['info'], request: NetworkTeardown): Promise<void> {
  const { namespace, networks, interrupted } = request
  const programs = await info()
  const input = requestText(request)
  if (interrupted) await orphansEnded(programs, options)
  await mkdir(options.config, { recursive: true, mode: 0o700 })
  if (namespace !== undefined && !interrupted) {
    if (await isTakenDown(options, programs, namespace, input)) return
  }
  const links = networks.map(({ interfaceName }) => interfaceName)
  const held = namespace === undefined ? await options.makeNamespace(links) : undefined
  const path = held?.path ?? namespace ?? ''
  try {
    for (const { bridges, fresh } of standIns(request)) {
      await standIn(options, { namespace: path, links, bridges, fresh })
      if (await isTakenDown(options, programs, path, input)) break
    }
    await dropEmptyChains(emptiedOf(request), options.env)
  } finally {
    held?.close()
  }
}

async function standIn(options: NetavarkOptions, params: Parameters<NetavarkOptions['standIn']>[0]): Promise<void> {
  try {
    await options.standIn(params)
  } catch (cause) {
    if (isLibpodError(cause)) throw cause
    const links = [...params.links, ...params.bridges].join(', ')
    throw new LibpodError(
      'internal',
      `No links ${links} could be put in the place of those that are gone.`,
      { what: links },
      { cause, hint: 'It is tried again when the root is opened again.' },
    )
  }
}

/** Those that nobody else is in; while the namespace is there, netavark sees that itself. */
function emptiedOf({ namespace, networks, emptied }: NetworkTeardown): BackendNetwork[] {
  return networks.map(({ network }) => network).filter(({ id }) => namespace !== undefined || emptied.includes(id))
}

/**
 * What is put in the place of bridges. First what lets it take whole networks down, those that nobody else is in. It stops at the first rule
 * that is missing; without a bridge it leaves the rules of networks alone, and comes to those of the container's ports.
 */
function standIns(request: NetworkTeardown): { readonly bridges: readonly string[]; readonly fresh: readonly string[] }[] {
  const { namespace } = request
  const bridges = emptiedOf(request).map(({ interfaceName }) => interfaceName)
  // Links of namespaces that are gone stay on the bridge until the kernel comes to them.
  return [
    { bridges, fresh: namespace === undefined ? bridges : [] },
    { bridges: [], fresh: [] },
  ]
}

async function isTakenDown(options: NetavarkOptions, programs: NetworkBackendInfo, namespace: string, input: string): Promise<boolean> {
  try {
    await runNetavark(programs, options, { verb: 'teardown', namespace, input })
    return true
  } catch (error) {
    // What it misses was never made, or is gone already.
    if (!isLibpodError(error, 'command-failed')) throw error
    // One that was killed, or hung, has not done its work: what it was to give back is still taken.
    if (error.details.signal !== undefined) throw error
    options.logger.debug(error.message)
    return false
  }
}

function checkNetwork({ driver, options, internal: _ }: BackendNetwork): void {
  if (driver !== 'bridge') {
    throw new LibpodError(
      'unsupported',
      `driver: netavark has no ${driver} networks here.`,
      { what: driver },
      { hint: 'The driver is bridge.' },
    )
  }
  for (const [key, value] of Object.entries(options)) {
    const path = `options.${key}`
    if (!bridgeOptions.includes(key))
      throw new LibpodError(
        'invalid-argument',
        `${path}: bridges have no such option.`,
        { path },
        { hint: `The options are ${bridgeOptions.join(', ')}.` },
      )
    const wrong = wrongValue(key, value)
    if (wrong !== undefined)
      throw new LibpodError(
        'invalid-argument',
        `${path}: ${JSON.stringify(value)} is not ${wrong}.`,
        { path, value },
        { hint: 'Correct it, or leave it out.' },
      )
  }
}

/** What the value of an option would have to be; `undefined` when it is that. */
function wrongValue(key: string, value: string): string | undefined {
  if (key === 'isolate') return /^(true|false)$/.test(value) ? undefined : 'true or false'
  if (!/^\d{1,9}$/.test(value)) return 'a number'
  // What IPv4 asks of every link, and the most that the kernel gives a bridge.
  return key !== 'mtu' || (Number(value) >= 68 && Number(value) <= 65_535) ? undefined : 'between 68 and 65535'
}

function noDns(name: string): LibpodError<'unavailable'> {
  return new LibpodError(
    'unavailable',
    `The network ${name} is to have DNS, and aardvark-dns is not installed.`,
    { what: 'aardvark-dns', install: 'apt-get install aardvark-dns' },
    { hint: 'Install it: apt-get install aardvark-dns, or dnf install aardvark-dns; or make the network with { dns: false }.' },
  )
}

/** netavark would take the port, and nothing would answer: there is no IPv6 address in the container that it could lead to. */
function refuseIPv6({ ports }: Pick<NetworkRequest, 'ports'>): void {
  const port = ports.find(({ hostIp }) => isIPv6(hostIp))
  if (port === undefined) return
  throw new LibpodError(
    'unsupported',
    `The port ${port.containerPort} cannot be published on ${port.hostIp}: networks have IPv4 only so far.`,
    { what: 'IPv6 ports' },
    { hint: 'Give an IPv4 address as hostIp, or none for all of them.' },
  )
}
