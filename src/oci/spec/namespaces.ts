import { LibpodError } from '../../base/errors.ts'
import type { Zod } from '../../base/schema.ts'
import type { RuntimeNamespace, RuntimeNamespaceType } from '../../specs/runtime-spec.ts'
import type { SpecHost } from './spec-host.ts'

/** What the container has for itself and what it shares with the host. @public */
export interface NamespaceOptions {
  /** The container's host name; the first 12 digits of its id if not given, the host's own with the host's network. */
  readonly hostname?: string | undefined
  /** `none` (default until there are network backends): loopback only. `host`: the host's own. `{ path }`: a network namespace that somebody else made. */
  readonly network?: 'none' | 'host' | NamespacePath | undefined
  /** Processes: `private` (default), or `host` to see and signal all of the host's. */
  readonly pid?: NamespaceMode | undefined
  /** System V IPC, message queues and `/dev/shm`. */
  readonly ipc?: NamespaceMode | undefined
  /** Host name. */
  readonly uts?: NamespaceMode | undefined
  /** The view of the cgroups: `private` by default with cgroup v2, `host` with v1. */
  readonly cgroupns?: NamespaceMode | undefined
}

/** A namespace of its own, the host's, or one that is there already. @public */
export type NamespaceMode = 'private' | 'host' | NamespacePath

/** A namespace as a file, as `/proc/1234/ns/net`. @public */
export interface NamespacePath {
  readonly path: string
}

/** The namespace options as they are stored. */
export interface NormalizedNamespaces {
  readonly hostname: string
  readonly network: 'none' | 'host' | NamespacePath
  readonly pid: NamespaceMode
  readonly ipc: NamespaceMode
  readonly uts: NamespaceMode
  readonly cgroupns: NamespaceMode
}

export const namespaceShape = (z: Zod) => {
  const path = z.strictObject({ path: z.string().startsWith('/', 'must be an absolute path') })
  const mode = z.union([z.enum(['private', 'host']), path], "must be 'private', 'host' or { path }").optional()
  return {
    hostname: z
      .string()
      .max(64, 'must have at most 64 characters')
      .regex(/^[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9])?$/, 'must have letters, digits, ".", "-" and "_" only')
      .optional(),
    network: z.union([z.enum(['none', 'host']), path], "must be 'none', 'host' or { path }").optional(),
    pid: mode,
    ipc: mode,
    uts: mode,
    cgroupns: mode,
  }
}

export function normalizeNamespaces(options: NamespaceOptions, id: string, host: SpecHost): NormalizedNamespaces {
  const { defaults } = host
  const network = options.network ?? 'none'
  const uts = options.uts ?? defaults.utsns ?? 'private'
  if (uts === 'host' && options.hostname !== undefined && options.hostname !== host.hostname) {
    throw new LibpodError(
      'invalid-argument',
      'hostname: it cannot be set in the UTS namespace of the host.',
      { path: 'hostname', value: options.hostname },
      { hint: "Leave it out, or use uts: 'private'." },
    )
  }
  return {
    hostname: options.hostname ?? (uts === 'host' || network === 'host' ? host.hostname : id.slice(0, 12)),
    network,
    pid: options.pid ?? defaults.pidns ?? 'private',
    ipc: options.ipc ?? defaults.ipcns ?? 'private',
    uts,
    cgroupns: options.cgroupns ?? defaults.cgroupns ?? (host.cgroupVersion === 2 ? 'private' : 'host'),
  }
}

/** `linux.namespaces`. `networkPath` is the namespace that a network backend made for this container. */
export function linuxNamespaces(options: NormalizedNamespaces, networkPath: string | undefined): RuntimeNamespace[] {
  const network = options.network === 'none' ? (networkPath === undefined ? 'private' : { path: networkPath }) : options.network
  return [
    ...namespaceOf('pid', options.pid),
    ...namespaceOf('network', network),
    ...namespaceOf('ipc', options.ipc),
    ...namespaceOf('uts', options.uts),
    { type: 'mount' },
    ...namespaceOf('cgroup', options.cgroupns),
  ]
}

/** Whether the host name is the container's to set. */
export function setsHostname({ uts }: NormalizedNamespaces): boolean {
  return uts === 'private'
}

function namespaceOf(type: RuntimeNamespaceType, mode: NamespaceMode): RuntimeNamespace[] {
  if (mode === 'host') return []
  return mode === 'private' ? [{ type }] : [{ type, path: mode.path }]
}
