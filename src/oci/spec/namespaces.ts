import { isIP } from 'node:net'
import { LibpodError } from '../../base/errors.ts'
import type { Zod } from '../../base/schema.ts'
import { isLinkName, linkNameRule } from '../../linux/network/link-name.ts'
import type { RuntimeNamespace, RuntimeNamespaceType } from '../../specs/runtime-spec.ts'
import type { SpecHost } from './spec-host.ts'

/** What the container has for itself and what it shares with the host. @public */
export interface NamespaceOptions {
  /** The container's host name; the first 12 digits of its id if not given, the host's own with the host's network. */
  readonly hostname?: string | undefined
  /**
   * `none`: loopback only. `host`: the host's own. `{ networks }`: these networks; `private`: the default one. `{ container }`: that of
   * another container, by id or name. `{ path }`: a network namespace that somebody else made.
   */
  readonly network?: NetworkMode | undefined
  /** Processes: `private` (default), or `host` to see and signal all of the host's. */
  readonly pid?: NamespaceMode | undefined
  /** System V IPC, message queues and `/dev/shm`. */
  readonly ipc?: NamespaceMode | undefined
  /** Host name. */
  readonly uts?: NamespaceMode | undefined
  /** The view of the cgroups: `private` by default with cgroup v2, `host` with v1. */
  readonly cgroupns?: NamespaceMode | undefined
}

/** A namespace of its own, the host's, another container's, or one that is there already. @public */
export type NamespaceMode = 'private' | 'host' | NamespacePath | NamespaceOfContainer

/** How a container is connected. @public */
export type NetworkMode =
  | 'none'
  | 'host'
  | 'private'
  | NamespacePath
  | NamespaceOfContainer
  | { readonly networks: readonly NetworkAttachment[] }

/** A container's place in one network. @public */
export interface NetworkAttachment {
  /** The network's name or id. */
  readonly name: string
  /** Further names by which others in the network find it. */
  readonly aliases?: readonly string[] | undefined
  /** IPv4 and IPv6 addresses it must have; free ones are chosen if not given. */
  readonly staticIps?: readonly string[] | undefined
  /** As `92:d0:c6:0a:29:33`. */
  readonly staticMac?: string | undefined
  /** Its interface in the container; `eth0`, `eth1`, … if not given. */
  readonly interfaceName?: string | undefined
}

/** The namespace of another container, by id or name; of its record always the id. @public */
export interface NamespaceOfContainer {
  readonly container: string
}

/** A namespace as a file, as `/proc/1234/ns/net`. @public */
export interface NamespacePath {
  readonly path: string
}

/** The namespace options as they are stored. */
export interface NormalizedNamespaces {
  readonly hostname: string
  readonly network: NormalizedNetwork
  readonly pid: NamespaceMode
  readonly ipc: NamespaceMode
  readonly uts: NamespaceMode
  readonly cgroupns: NamespaceMode
}

/** A network as it is stored: networks by name and id, containers by id. */
export type NormalizedNetwork =
  | Exclude<NetworkMode, 'private' | { readonly networks: unknown }>
  | { readonly networks: readonly NormalizedAttachment[] }

/** A place in a network as it is stored. */
export interface NormalizedAttachment extends NetworkAttachment {
  readonly id: string
}

/** Labels of at most 63 characters. */
const hostName = /^[a-zA-Z0-9_-]{1,63}(\.[a-zA-Z0-9_-]{1,63})*$/

/**
 * A container's place in a network, without the network. Aliases are a field in a file of aardvark-dns: with a blank or a line's end in it,
 * that file would end the DNS of all networks, or have records of others.
 */
export const attachmentShape = (z: Zod) => ({
  aliases: z
    .array(
      z
        .string()
        .max(253, 'must have at most 253 characters')
        .regex(hostName, 'must be a host name: letters, digits, "-" and "_", in parts of at most 63 between dots'),
    )
    .optional(),
  staticIps: z
    .array(z.string().refine((text) => isIP(text) !== 0 && !text.includes('%'), 'must be an IP address without a zone'))
    .optional(),
  staticMac: z
    .string()
    .regex(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, 'must be six pairs of hex digits')
    .refine(isAddressOfOne, 'must be the address of one link: its first byte even, and not all zero')
    .optional(),
  interfaceName: z.string().refine(isLinkName, linkNameRule).optional(),
})

/** The lowest bit of the first byte marks addresses of many. */
function isAddressOfOne(mac: string): boolean {
  return Number.parseInt(mac.slice(0, 2), 16) % 2 === 0 && /[^0:]/.test(mac)
}

export const namespaceShape = (z: Zod) => {
  const path = z.strictObject({ path: z.string().startsWith('/', 'must be an absolute path') })
  const container = z.strictObject({ container: z.string().min(1) })
  const mode = z.union([z.enum(['private', 'host']), path, container], "must be 'private', 'host', { container } or { path }").optional()
  const attachment = z.strictObject({
    name: z.string().min(1),
    ...attachmentShape(z),
  })
  const networks = z.strictObject({ networks: z.array(attachment).min(1) })
  return {
    hostname: z
      .string()
      .max(64, 'must have at most 64 characters')
      .regex(/^[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9])?$/, 'must have letters, digits, ".", "-" and "_" only')
      .optional(),
    network: z
      .union(
        [z.enum(['none', 'host', 'private']), path, container, networks],
        "must be 'none', 'host', 'private', { networks }, { container } or { path }",
      )
      .optional(),
    pid: mode,
    ipc: mode,
    uts: mode,
    cgroupns: mode,
  }
}

/** `joinedHostname` is the host name of the container whose UTS namespace is joined. */
export function normalizeNamespaces(
  options: NamespaceOptions,
  { id, host, joinedHostname }: { readonly id: string; readonly host: SpecHost; readonly joinedHostname?: string | undefined },
): NormalizedNamespaces {
  const { defaults } = host
  const network = normalizeNetwork(options.network)
  const uts = options.uts ?? defaults.utsns ?? 'private'
  const given = uts === 'host' ? host.hostname : joinedHostname
  if (given !== undefined && options.hostname !== undefined && options.hostname !== given) {
    const whose = uts === 'host' ? 'the host' : 'another container'
    throw new LibpodError(
      'invalid-argument',
      `hostname: it cannot be set in the UTS namespace of ${whose}.`,
      { path: 'hostname', value: options.hostname },
      { hint: "Leave it out, or use uts: 'private'." },
    )
  }
  return {
    hostname: options.hostname ?? given ?? (network === 'host' ? host.hostname : id.slice(0, 12)),
    network,
    pid: options.pid ?? defaults.pidns ?? 'private',
    ipc: options.ipc ?? defaults.ipcns ?? 'private',
    uts,
    cgroupns: options.cgroupns ?? defaults.cgroupns ?? (host.cgroupVersion === 2 ? 'private' : 'host'),
  }
}

/** Names of networks are looked up before, by who knows the networks. */
function normalizeNetwork(network: NetworkMode = 'none'): NormalizedNetwork {
  if (network === 'private' || (typeof network === 'object' && 'networks' in network && !network.networks.every(isLookedUp)))
    throw new LibpodError('internal', 'The networks of a container were not looked up.', { what: 'network' })
  return network as NormalizedNetwork
}

function isLookedUp(attachment: NetworkAttachment): attachment is NormalizedAttachment {
  return 'id' in attachment
}

/** The options that can name another container. */
export const joinableNamespaces = ['network', 'pid', 'ipc', 'uts', 'cgroupns'] as const

/** One of {@link joinableNamespaces}. */
export type JoinableNamespace = (typeof joinableNamespaces)[number]

/** The container whose namespace a mode names. */
export function joinedContainer(mode: NetworkMode | undefined): string | undefined {
  return typeof mode === 'object' && 'container' in mode ? mode.container : undefined
}

/** Whether its network namespace is the container's own. */
export function hasOwnNetwork({ network }: Pick<NormalizedNamespaces, 'network'>): boolean {
  return network === 'none' || (typeof network === 'object' && 'networks' in network)
}

/** Where namespaces lie that are joined: known only when the container starts. */
export type NamespacePaths = Readonly<Partial<Record<RuntimeNamespaceType, string>>>

/** `linux.namespaces`. `paths` are those that a network backend made for this container, and those of other containers. */
export function linuxNamespaces(options: NormalizedNamespaces, paths: NamespacePaths): RuntimeNamespace[] {
  const { network } = options
  return [
    ...namespaceOf('pid', options.pid, paths),
    ...namespaceOf('network', network === 'none' || (typeof network === 'object' && 'networks' in network) ? 'private' : network, paths),
    ...namespaceOf('ipc', options.ipc, paths),
    ...namespaceOf('uts', options.uts, paths),
    { type: 'mount' },
    ...namespaceOf('cgroup', options.cgroupns, paths),
  ]
}

/** Whether the host name is the container's to set. */
export function setsHostname({ uts }: NormalizedNamespaces): boolean {
  return uts === 'private'
}

function namespaceOf(type: RuntimeNamespaceType, mode: NamespaceMode, paths: NamespacePaths): RuntimeNamespace[] {
  if (mode === 'host') return []
  const path = paths[type] ?? (typeof mode === 'object' && 'path' in mode ? mode.path : undefined)
  if (path !== undefined) return [{ type, path }]
  if (mode === 'private') return [{ type }]
  // Never a namespace of its own instead of the one that was asked for.
  throw new LibpodError('internal', `The ${type} namespace of another container was not looked up.`, { what: type })
}
