import { networkInterfaces } from 'node:os'

/** What `/etc/hosts` of a container is made of. */
export interface HostsInput {
  /** The host's own file. */
  readonly base: string
  /** What the caller adds. */
  readonly extra: readonly HostEntry[]
  /** What `host.containers.internal` means, where something does. */
  readonly host?: string | undefined
  /** The container's own addresses. */
  readonly own: readonly HostEntry[]
}

/** A line of it. */
export interface HostEntry {
  readonly address: string
  readonly names: readonly string[]
}

/** Podman's order: what was asked for, the host's own file, what must not be missing, the host, the container. */
export function hostsText({ base, extra, host, own }: HostsInput): string {
  const given = extra.map(lineOf)
  const lines = withLocalhost([...given, ...withoutComments(base)])
  const names = ['host.containers.internal', 'host.docker.internal'].filter((name) => !given.some((line) => namesOf(line).includes(name)))
  const internal = host === undefined || names.length === 0 ? [] : [lineOf({ address: host, names })]
  return [...lines, ...internal, ...own.map(lineOf)].map((line) => `${line}\n`).join('')
}

/** The address by which containers reach this host: its first that belongs to no bridge of containers. */
export function hostAddress(bridges: ReadonlySet<string>): string | undefined {
  for (const [name, addresses] of Object.entries(networkInterfaces()))
    if (!bridges.has(name)) for (const { family, internal, address } of addresses ?? []) if (family === 'IPv4' && !internal) return address
  return undefined
}

function lineOf({ address, names }: HostEntry): string {
  return `${address}\t${names.join(' ')}`
}

function namesOf(line: string): string[] {
  return line.split(/\s+/).slice(1)
}

function withoutComments(hosts: string): string[] {
  return hosts
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.replace(/\s+/, '\t'))
}

function withLocalhost(lines: readonly string[]): string[] {
  const has = (address: string): boolean => lines.some((line) => line.startsWith(`${address}\t`) && namesOf(line).includes('localhost'))
  return [...lines, ...['127.0.0.1', '::1'].filter((address) => !has(address)).map((address) => `${address}\tlocalhost`)]
}
