import { LibpodError } from '../../base/errors.ts'
import type { ContainerRecord, PublishedPort } from '../record.ts'
import type { ContainersServices } from '../services.ts'
import { isActive } from '../status.ts'
import { requireRecord } from '../store.ts'
import { networkOwner } from './network-owner.ts'
import { publishedPorts } from './start-network.ts'

/**
 * Where a port of a container is reached on this host: one of its own, or of the container or pod whose network it shares. Rejects with
 * `not-found` when it is not published, or not now.
 */
export async function hostPort(services: ContainersServices, id: string, port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<number> {
  const record = await networkOwner(services, await requireRecord(services, id))
  // Of one that has ended the ports are taken away a little later.
  const ports = isActive(record.state.status) ? await publishedPorts(services, record.id) : []
  const found = publishedAt(ports, port, protocol)
  if (found !== undefined) return found.host
  const asked = isAsked(record, port, protocol)
  throw new LibpodError(
    'not-found',
    `The ${protocol} port ${port} of container ${record.name} is not published${asked ? ' now' : ''}.`,
    { kind: 'port', ref: `${port}/${protocol}` },
    { hint: asked ? hintOf(record) : 'Create the container with ports: [{ container }].' },
  )
}

function hintOf({ state }: ContainerRecord): string {
  return isActive(state.status) ? 'Connect the container to a network that is not internal.' : 'Start the container first.'
}

/** Whether a container publishes a port when it runs. */
export function isAsked({ options }: ContainerRecord, port: number, protocol: 'tcp' | 'udp'): boolean {
  return options.ports.some((asked) => asked.protocol === protocol && port >= asked.container && port < asked.container + asked.range)
}

/** The way from this host to a port. */
export function publishedAt(ports: readonly PublishedPort[], port: number, protocol: 'tcp' | 'udp'): PublishedPort | undefined {
  return ports.find((published) => published.container === port && published.protocol === protocol)
}
