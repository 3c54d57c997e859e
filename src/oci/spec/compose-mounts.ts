import { LibpodError } from '../../base/errors.ts'
import type { RuntimeMount } from '../../specs/runtime-spec.ts'
import type { EngineFiles } from './engine-files.ts'
import type { HostObjects } from './host-objects.ts'
import { initMounts, type NormalizedInit } from './init.ts'
import type { NormalizedMount } from './mount.ts'
import { runtimeMountOptions, sameGroup } from './mount-options.ts'
import type { NormalizedMounts } from './mounts.ts'
import type { NormalizedNamespaces } from './namespaces.ts'
import { isUnmasked, type NormalizedSecurity } from './security.ts'
import type { SpecHost } from './spec-host.ts'

type MountOptions = NormalizedMounts & NormalizedNamespaces & NormalizedSecurity & NormalizedInit & { readonly privileged: boolean }

/** Where volumes and images lie on the host, or will, by their targets in the container. */
export type MountSources = ReadonlyMap<string, string>

/** All mounts of a container. For one destination the caller's prevails; a parent comes before what lies below it. */
export function composeMounts(
  options: MountOptions,
  files: EngineFiles,
  { objects, sources, host }: { readonly objects: HostObjects; readonly sources: MountSources; readonly host: SpecHost },
): RuntimeMount[] {
  const byDestination = new Map<string, RuntimeMount>()
  const own = options.mounts.map((mount) => userMount(mount, objects.bindFlags.get(mount.source) ?? [], sources))
  const base = [...baseMounts(options, host), ...deviceMounts(objects, host, options.privileged)]
  for (const mount of [...base, ...initMounts(options, host), ...readOnlyTmpfs(options), ...own])
    byDestination.set(mount.destination, mount)
  for (const mount of fileMounts(options, files)) {
    // A folder of the caller's on /run is not ours to put a file into.
    const hidden = mount.destination === '/run/.containerenv' && byDestination.get('/run')?.type === 'bind'
    if (!hidden && !byDestination.has(mount.destination)) byDestination.set(mount.destination, mount)
  }
  return [...byDestination.values()].sort((a, b) => depth(a) - depth(b))
}

/** What every container has: the kernel's own file systems, and `/dev`. */
function baseMounts(options: MountOptions, host: SpecHost): RuntimeMount[] {
  return [
    procMount(options, host),
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'noexec', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    ...mqueueMount(options, host),
    ...sysMounts(options, host),
  ]
}

/** In a user namespace a new proc needs a process namespace of one's own. */
function procMount({ pid }: MountOptions, { rootless }: SpecHost): RuntimeMount {
  const options = ['nosuid', 'noexec', 'nodev']
  if (rootless && pid === 'host') return { destination: '/proc', type: 'bind', source: '/proc', options: ['rbind', ...options] }
  return { destination: '/proc', type: 'proc', source: 'proc', options }
}

/** In a user namespace the host's message queues can only be shown where they are mounted already. */
function mqueueMount({ ipc }: MountOptions, { rootless, hasMessageQueues }: SpecHost): RuntimeMount[] {
  const options = ['nosuid', 'noexec', 'nodev']
  if (rootless && ipc === 'host' && !hasMessageQueues) return []
  if (rootless && ipc === 'host')
    return [{ destination: '/dev/mqueue', type: 'bind', source: '/dev/mqueue', options: ['bind', ...options] }]
  return [{ destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options }]
}

/** In a user namespace a new sysfs needs a network namespace of one's own. */
function sysMounts(options: MountOptions, host: SpecHost): RuntimeMount[] {
  const { privileged, network, security } = options
  const own = ['rprivate', 'nosuid', 'noexec', 'nodev']
  if (host.rootless && network === 'host') {
    const bind = [...own, privileged ? 'rw' : 'ro', 'rbind']
    return [
      { destination: '/sys', type: 'bind', source: '/sys', options: bind },
      { destination: '/sys/fs/cgroup', type: 'bind', source: '/sys/fs/cgroup', options: bind },
    ]
  }
  const writable = privileged || (host.cgroupVersion === 2 && isUnmasked('/sys/fs/cgroup', security.unmask))
  return [
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: privileged ? [...own, 'rw'] : ['nosuid', 'noexec', 'nodev', 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...own, 'relatime', writable ? 'rw' : 'ro'] },
  ]
}

/** Without root no device node can be made: the host's are shown. With all of them, its terminals are not; one that was asked for is. */
function deviceMounts({ devices }: HostObjects, { rootless }: SpecHost, privileged: boolean): RuntimeMount[] {
  if (!rootless) return []
  return devices
    .filter(({ source }) => !privileged || (source !== '/dev/ptmx' && !source.startsWith('/dev/tty')))
    .map(({ source, device: { path }, permissions }) => ({
      destination: path,
      type: 'bind',
      source,
      options: ['slave', 'nosuid', 'noexec', permissions.includes('w') ? 'rw' : 'ro', 'rbind'],
    }))
}

function readOnlyTmpfs({ readOnly, readOnlyTmpfs: wanted }: NormalizedMounts): RuntimeMount[] {
  if (!readOnly || !wanted) return []
  const options = ['rw', 'rprivate', 'nosuid', 'nodev', 'tmpcopyup']
  return ['/run', '/tmp', '/var/tmp'].map((destination) => ({ destination, type: 'tmpfs', source: 'tmpfs', options }))
}

/** To the runtime, volumes and images are bind mounts. */
function userMount({ type, source, target, options }: NormalizedMount, inherited: readonly string[], sources: MountSources): RuntimeMount {
  const missing = inherited.filter((flag) => !options.some((option) => sameGroup(option, flag)))
  const isOwn = type === 'bind' || type === 'tmpfs'
  return {
    destination: target,
    type: isOwn ? type : 'bind',
    source: isOwn ? source : sourceOf(target, sources),
    options: [...runtimeMountOptions(options), ...missing],
  }
}

function sourceOf(target: string, sources: MountSources): string {
  const source = sources.get(target)
  if (source !== undefined) return source
  throw new LibpodError('internal', `Nobody has said what is to be mounted at ${target}.`, { what: 'mounts' })
}

/** The files that the engine writes for each container, and its `/dev/shm`. */
function fileMounts({ readOnly, ipc }: MountOptions, files: EngineFiles): RuntimeMount[] {
  const bind = readOnly ? ['bind', 'rprivate', 'ro', 'nosuid', 'noexec', 'nodev'] : ['bind', 'rprivate']
  const shm = ipc === 'host' ? '/dev/shm' : files.shm
  return [
    ...Object.entries(files.binds).map(([destination, source]) => ({ destination, type: 'bind', source, options: bind })),
    ...(shm === undefined
      ? []
      : [{ destination: '/dev/shm', type: 'bind', source: shm, options: ['bind', 'rprivate', 'nosuid', 'noexec', 'nodev'] }]),
  ]
}

function depth({ destination }: RuntimeMount): number {
  return destination === '/' ? 0 : destination.split('/').length
}
