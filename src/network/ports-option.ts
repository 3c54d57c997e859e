import { isIP } from 'node:net'
import { LibpodError } from '../base/errors.ts'
import type { Zod } from '../base/schema.ts'

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
          hostIp: z
            .string()
            .refine((text) => isIP(text) !== 0, 'must be an IP address')
            .optional(),
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
  return {
    ports: ports.map(({ container, host, protocol = 'tcp', hostIp = '', range = 1 }, at) => {
      for (const [key, first] of Object.entries({ container, host }))
        if (first !== undefined && first + range - 1 > 65_535) throw tooFar(`ports[${at}].${key}`, first, range)
      return { container, ...(host === undefined ? {} : { host }), protocol, hostIp: hostIp === '0.0.0.0' ? '' : hostIp, range }
    }),
  }
}

function tooFar(path: string, first: number, range: number): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `${path}: ${range} ports from ${first} on go beyond 65535.`,
    { path, value: first },
    { hint: 'Make the range smaller.' },
  )
}
