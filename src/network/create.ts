import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import { checkName, randomName } from '../base/names.ts'
import { lazySchema } from '../base/schema.ts'
import { linkNames } from '../linux/network/host-network.ts'
import { isLinkName, linkNameRule } from '../linux/network/link-name.ts'
import { addNetwork, bridgeName, creationLock } from './add-network.ts'
import { allNetworks, type NetworkRecord, type NetworkSummary } from './record.ts'
import type { NetworkServices } from './services.ts'
import { checkSubnets, chooseSubnet, type NetworkSubnetOptions, usedSubnets } from './subnets.ts'

/** What a network is made of: {@link Networks.create}. All is optional. @public */
export interface CreateNetworkOptions extends AbortOptions {
  /** Unique among networks; a readable one is made up if not given. */
  readonly name?: string | undefined
  /** `bridge`. */
  readonly driver?: string | undefined
  /** Ranges of addresses; a free one of the pools of containers.conf if not given. */
  readonly subnets?: readonly NetworkSubnetOptions[] | undefined
  /** No way out, nor in through published ports. */
  readonly internal?: boolean | undefined
  /** Containers find each other by their names: `true`. */
  readonly dns?: boolean | undefined
  /** Shown in lists and events, and usable in filters. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** The bridge's name on the host; the first free one of `podman0`, `podman1`, … if not given. */
  readonly interfaceName?: string | undefined
  /** The driver's own: `mtu`, `isolate` and `metric` of a bridge. */
  readonly options?: Readonly<Record<string, string>> | undefined
}

const schema = lazySchema<CreateNetworkOptions>(
  (z) =>
    z.strictObject({
      name: z.string().optional(),
      driver: z.string().min(1).optional(),
      subnets: z
        .array(
          z.strictObject({
            subnet: z.string().min(1),
            gateway: z.string().min(1).optional(),
            leaseRange: z.strictObject({ first: z.string().min(1), last: z.string().min(1) }).optional(),
          }),
        )
        .min(1)
        .optional(),
      internal: z.boolean().optional(),
      dns: z.boolean().optional(),
      labels: z.record(z.string(), z.string()).optional(),
      interfaceName: z.string().refine(isLinkName, linkNameRule).optional(),
      options: z.record(z.string(), z.string()).optional(),
      signal: z.instanceof(AbortSignal).optional(),
    }) as never,
)

/** Creates a network. Nothing is made on the host before a container is connected. */
export async function createNetwork(services: NetworkServices, given: CreateNetworkOptions = {}): Promise<NetworkRecord> {
  services.closer.check()
  const options = await schema.parse(given)
  if (options.name !== undefined) checkName(options.name)
  checkReserved(options.name)
  const { backend, locks, config } = services
  const { dns: server } = await backend.info()
  const release = await locks.acquire(creationLock, { signal: options.signal })
  try {
    options.signal?.throwIfAborted()
    const networks = await allNetworks(services.registry)
    const used = await usedSubnets(networks)
    const subnets = options.subnets === undefined ? [await chooseSubnet(config.network, used)] : await checkSubnets(options.subnets, used)
    const record: Omit<NetworkRecord, 'name'> = {
      id: newId(),
      createdAt: new Date().toISOString(),
      driver: options.driver ?? 'bridge',
      backend: backend.name,
      interfaceName: options.interfaceName ?? (await bridgeName(networks)),
      subnets,
      internal: options.internal ?? false,
      dns: options.dns ?? server !== undefined,
      labels: options.labels ?? {},
      options: options.options ?? {},
    }
    if (options.interfaceName !== undefined) await checkInterface(options.interfaceName, networks)
    return await addNamed(services, record, options.name)
  } finally {
    await release()
  }
}

/** A made-up name that is taken is made up again. */
async function addNamed(services: NetworkServices, record: Omit<NetworkRecord, 'name'>, name: string | undefined): Promise<NetworkRecord> {
  for (let tries = 1; ; tries++) {
    try {
      return await addNetwork(services, { ...record, name: name ?? randomName() })
    } catch (error) {
      if (name !== undefined || tries === 5 || !isLibpodError(error, 'already-exists')) throw error
    }
  }
}

/** Words that mean something else where a network can be named. */
const reserved = ['none', 'host', 'private', 'bridge', 'container', 'ns', 'default', 'pasta', 'slirp4netns']

function checkReserved(name: string | undefined): void {
  if (name === undefined || !reserved.includes(name)) return
  throw new LibpodError(
    'invalid-argument',
    `name: ${name} cannot be the name of a network: it means something else.`,
    { path: 'name', value: name },
    { hint: 'Take another name.' },
  )
}

async function checkInterface(name: string, networks: readonly NetworkSummary[]): Promise<void> {
  const network = networks.find(({ interfaceName }) => interfaceName === name)
  if (network === undefined && !(await linkNames()).has(name)) return
  throw new LibpodError(
    'conflict',
    `interfaceName: ${name} is ${network === undefined ? 'a link of this host' : `the bridge of network ${network.name}`}.`,
    { what: name },
    { hint: 'Take another name, or leave it out.' },
  )
}
