import { LibpodError } from '../base/errors.ts'
import type { Zod } from '../base/schema.ts'
import { isPlainAddress } from './addresses.ts'

/** A port of a container that is reached through the host. @public */
export interface PortOptions {
  /** The port in the container. */
  readonly container: number
  /** The port of the host; a free one is chosen at each start if not given, the last one again when it is still free. */
  readonly host?: number | undefined
  /** `tcp` if not given. */
  readonly protocol?: 'tcp' | 'udp' | undefined
  /** The address of the host it is reached at; all IPv4 addresses if not given. */
  readonly hostIp?: string | undefined
  /** So many ports in a row, beginning with these; 1 if not given. */
  readonly range?: number | undefined
}

/** Which ports are published. @public */
export interface PortsOptions {
  /** Ports that are reached through the host. */
  readonly ports?: readonly PortOptions[] | undefined
}

/** A port as it is stored. */
export interface NormalizedPort {
  readonly container: number
  readonly host?: number
  readonly protocol: 'tcp' | 'udp'
  /** Empty: all. */
  readonly hostIp: string
  readonly range: number
}

/** The option as it is stored. */
export interface NormalizedPorts {
  readonly ports: readonly NormalizedPort[]
}

export const portsShape = (z: Zod) => {
  const port = z.int().min(1).max(65_535)
  return {
    ports: z
      .array(
        z.strictObject({
          container: port,
          host: port.optional(),
          protocol: z.enum(['tcp', 'udp']).optional(),
          hostIp: z.string().refine(isPlainAddress, 'must be an IP address without a zone').optional(),
          range: z.int().min(1).max(65_535).optional(),
        }),
      )
      .optional(),
  }
}

/** Completes the option. `hasNetworks`: the container is in networks, through which ports can be published. */
export function normalizePorts({ ports = [] }: PortsOptions, hasNetworks: boolean): NormalizedPorts {
  if (ports.length > 0 && !hasNetworks) {
    throw new LibpodError(
      'invalid-argument',
      'ports: a container that is in no network of its own publishes nothing.',
      { path: 'ports' },
      { hint: "Leave network out, or name networks; with network: 'host' its ports are the host's anyway." },
    )
  }
  const normalized = ports.map(({ container, host, protocol = 'tcp', hostIp = '', range = 1 }, at) => {
    for (const [key, first] of Object.entries({ container, host }))
      if (first !== undefined && first + range - 1 > 65_535) throw tooFar(`ports[${at}].${key}`, first, range)
    return { container, ...(host === undefined ? {} : { host }), protocol, hostIp: hostIp === '0.0.0.0' ? '' : hostIp, range }
  })
  for (const [at, port] of normalized.entries()) {
    const other = normalized.slice(0, at).find((earlier) => overlap(earlier, port))
    if (other !== undefined) throw twice(at, port)
  }
  return { ports: normalized }
}

/** Whether two ask for the same port of the host. */
function overlap(one: NormalizedPort, other: NormalizedPort): boolean {
  if (one.host === undefined || other.host === undefined || one.protocol !== other.protocol) return false
  return isSameAddress(one.hostIp, other.hostIp) && one.host < other.host + other.range && other.host < one.host + one.range
}

/** Whether what listens on one address is in the way of what would listen on the other. */
export function isSameAddress(one: string, other: string): boolean {
  return one === other || [one, other].some((ip) => ip === '' || ip === '0.0.0.0' || ip === '::')
}

function twice(at: number, { host, protocol }: NormalizedPort): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `ports[${at}].host: the ${protocol} port ${host} of the host, or one in its range, is given twice.`,
    { path: `ports[${at}].host`, value: host },
    { hint: 'Choose another, or leave host out: then a free one is chosen.' },
  )
}

function tooFar(path: string, first: number, range: number): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: ${range} ports from ${first} on go beyond 65535.`,
    { path, value: first },
    { hint: 'Make the range smaller.' },
  )
}
