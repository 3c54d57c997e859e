import assert from 'node:assert/strict'
import { isLibpodError } from '../base/errors.ts'
import type { BackendNetwork, NetworkBackend, NetworkRequest } from './backend.ts'

/** What a conformance case works with. @public */
export interface NetworkBackendCaseContext {
  readonly backend: NetworkBackend
  /** Two networks that nobody uses, the first with DNS if the backend has that; at most a /24 each. */
  readonly networks: readonly [BackendNetwork, BackendNetwork]
  /** The address number `n` of a network's first subnet. */
  address(network: BackendNetwork, n: number): string
  /** A new network namespace, as a file. It goes after the case. */
  namespace(): Promise<string>
  /** Takes a namespace away at once, with what is in it. */
  dropNamespace(namespace: string): Promise<void>
  /** What commands like `ip address` and `ip route` say in a namespace. */
  look(namespace: string, command: readonly string[]): Promise<string>
  /** All that a backend makes on the host: links and rules that are about one network or container. */
  traces(): Promise<readonly string[]>
}

/** One conformance case of the contract {@link NetworkBackend}. @public */
export interface NetworkBackendCase {
  readonly name: string
  run(context: NetworkBackendCaseContext): Promise<void>
}

function requestFor(
  { networks, address }: NetworkBackendCaseContext,
  namespace: string,
  { id = 'a', n = 2, count = 1 }: { readonly id?: string; readonly n?: number; readonly count?: number } = {},
): NetworkRequest {
  return {
    namespace,
    container: { id: id.repeat(64), name: `case-${id}` },
    networks: networks.slice(0, count).map((network, at) => ({
      network,
      interfaceName: `eth${at}`,
      addresses: [address(network, n)],
      aliases: [`alias-${id}`],
    })),
    ports: [{ protocol: 'tcp', hostIp: '', hostPort: 20_000 + n, containerPort: 80 }],
    dnsServers: [],
  }
}

const whole = { emptied: [], interrupted: false }

/** Every kernel finishes with links of a namespace in its own time. */
async function expectTraces(context: NetworkBackendCaseContext, expected: readonly string[]): Promise<void> {
  for (let tries = 0; ; tries++) {
    const traces = await context.traces()
    if (tries < 100 && JSON.stringify(traces) !== JSON.stringify(expected)) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      continue
    }
    assert.deepEqual(traces, expected)
    return
  }
}

/** The conformance cases of network backends. @public */
export const networkBackendCases: readonly NetworkBackendCase[] = [
  {
    name: 'tells what it works with',
    async run({ backend, networks }) {
      const info = await backend.info()
      assert.notEqual(info.version, '')
      assert.ok(info.drivers.includes(networks[0].driver))
      for (const network of networks) await backend.validate(network)
    },
  },
  {
    name: 'refuses a driver and an option that it does not have',
    async run({ backend, networks: [network] }) {
      const refused = async (changed: BackendNetwork): Promise<boolean> =>
        backend.validate(changed).then(
          () => false,
          (error: unknown) => isLibpodError(error, 'unsupported') || isLibpodError(error, 'invalid-argument'),
        )
      assert.ok(await refused({ ...network, driver: 'no-such-driver' }))
      assert.ok(await refused({ ...network, options: { 'no-such-option': 'x' } }))
    },
  },
  {
    name: 'connects a namespace, and takes everything away again',
    async run(context) {
      const before = await context.traces()
      const namespace = await context.namespace()
      const request = requestFor(context, namespace)
      const setup = await context.backend.setup(request)
      const [network] = context.networks
      assert.match(setup[network.id]?.mac ?? '', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
      assert.ok((await context.look(namespace, ['ip', 'address', 'show', 'eth0'])).includes(context.address(network, 2)))
      assert.ok((await context.look(namespace, ['ip', 'route'])).includes(`default via ${network.subnets[0]?.gateway}`))
      assert.notDeepEqual(await context.traces(), before)
      await context.backend.teardown({ ...request, ...whole })
      assert.ok(!(await context.look(namespace, ['ip', 'address'])).includes(context.address(network, 2)))
      await expectTraces(context, before)
    },
  },
  {
    name: 'keeps a network until its last container leaves',
    async run(context) {
      const before = await context.traces()
      const [one, other] = [await context.namespace(), await context.namespace()]
      const requests = [requestFor(context, one, { id: 'a', n: 2 }), requestFor(context, other, { id: 'b', n: 3 })]
      for (const request of requests) await context.backend.setup(request)
      const [first, second] = requests
      if (first === undefined || second === undefined) throw new Error('There are two.')
      await context.backend.teardown({ ...first, ...whole })
      const [network] = context.networks
      const gateway = network.subnets[0]?.gateway ?? ''
      assert.match(await context.look(other, ['ping', '-c', '1', '-w', '5', gateway]), / 0% packet loss/)
      await context.backend.teardown({ ...second, ...whole })
      await expectTraces(context, before)
    },
  },
  {
    name: 'connects to several networks',
    async run(context) {
      const before = await context.traces()
      const namespace = await context.namespace()
      const request = requestFor(context, namespace, { count: 2 })
      const setup = await context.backend.setup(request)
      assert.deepEqual(Object.keys(setup).sort(), context.networks.map(({ id }) => id).sort())
      const addresses = await context.look(namespace, ['ip', 'address'])
      for (const network of context.networks) assert.ok(addresses.includes(context.address(network, 2)))
      await context.backend.teardown({ ...request, ...whole })
      await expectTraces(context, before)
    },
  },
  {
    name: 'takes down what has lost its namespace',
    async run(context) {
      const before = await context.traces()
      const namespace = await context.namespace()
      const request = requestFor(context, namespace)
      await context.backend.setup(request)
      await context.dropNamespace(namespace)
      const emptied = request.networks.map(({ network }) => network.id)
      await context.backend.teardown({ ...request, namespace: undefined, emptied, interrupted: false })
      await expectTraces(context, before)
    },
  },
  {
    name: 'takes down what was never set up, and what was taken down before',
    async run(context) {
      const before = await context.traces()
      const namespace = await context.namespace()
      const request = requestFor(context, namespace)
      await context.backend.teardown({ ...request, emptied: [], interrupted: true })
      await context.backend.setup(request)
      for (let times = 0; times < 2; times++) await context.backend.teardown({ ...request, ...whole })
      await expectTraces(context, before)
    },
  },
]
