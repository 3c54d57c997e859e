import { access, constants, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LibpodError } from '../../base/errors.ts'
import { type MountInfo, readMounts } from '../mount-info.ts'
import { type CgroupMembership, hierarchyPath, parseMemberships } from './membership.ts'

/** One tree of cgroups that is mounted on this host. */
export interface CgroupHierarchy {
  readonly version: 1 | 2
  /** v1: the controllers mounted here, and the name of a named hierarchy (`systemd`) as if it were one; v2: those that can be enabled. */
  readonly controllers: readonly string[]
  readonly mountPoint: string
  /** The cgroup that shows at the mount point: `/`, or another one inside a container. */
  readonly root: string
  /** The cgroup of this process, counted from the hierarchy's own root. */
  readonly own: string
  /** Whether this process may make cgroups at the mount point. */
  readonly writable: boolean
}

/** How the cgroups of this host are set up. Plain data: it goes to the helper process as it is. */
export interface CgroupHost {
  /** `hybrid` is v1 with the unified tree mounted beside it. */
  readonly mode: 'v1' | 'v2' | 'hybrid'
  readonly hierarchies: readonly CgroupHierarchy[]
  /** Every controller that can be used, with the version of the tree it is in. */
  readonly controllers: Readonly<Record<string, 1 | 2>>
  /** Where the unified (v2) tree is mounted, if it is. */
  readonly unified?: string
  /** Controllers in the unified tree. In hybrid mode crun refuses to work unless this is empty. */
  readonly unifiedControllers: readonly string[]
  /** Whether new cgroups can be made in every tree. */
  readonly writable: boolean
}

/** Looks at the mounts and at the cgroups of this process. */
export async function detectCgroups(): Promise<CgroupHost> {
  const [mounts, memberships] = await Promise.all([readMounts(), readFile('/proc/self/cgroup', 'utf8')])
  const hierarchies = await Promise.all(
    hierarchiesFrom(mounts, parseMemberships(memberships)).map(async (hierarchy) => ({
      ...hierarchy,
      controllers: hierarchy.version === 2 ? await unifiedControllers(hierarchy.mountPoint) : hierarchy.controllers,
      writable: await isWritable(hierarchy.mountPoint),
    })),
  )
  return describeCgroups(hierarchies)
}

/** The mounted trees, v1 before v2; of one that is mounted twice, the mount that shows most of it. */
export function hierarchiesFrom(mounts: readonly MountInfo[], memberships: readonly CgroupMembership[]): CgroupHierarchy[] {
  const found = new Map<string, CgroupHierarchy>()
  for (const mount of mounts) {
    if (mount.type !== 'cgroup' && mount.type !== 'cgroup2') continue
    // Something else may have been mounted over it since.
    if (mounts.findLast((other) => other.mountPoint === mount.mountPoint) !== mount) continue
    const version = mount.type === 'cgroup2' ? 2 : 1
    const membership = memberships.find((candidate) =>
      version === 2 ? candidate.version === 2 : candidate.controllers.some((name) => isOption(mount, name)),
    )
    const key = version === 2 ? 'unified' : (membership?.controllers.join() ?? mount.mountPoint)
    const before = found.get(key)
    if (before !== undefined && before.root.length <= mount.root.length) continue
    found.set(key, {
      version,
      controllers: membership?.controllers ?? [],
      mountPoint: mount.mountPoint,
      root: mount.root,
      own: membership?.path ?? '/',
      writable: !mount.options.includes('ro'),
    })
  }
  return [...found.values()].sort((a, b) => a.version - b.version)
}

/** Draws the conclusions. */
export function describeCgroups(hierarchies: readonly CgroupHierarchy[]): CgroupHost {
  const v2 = hierarchies.find(({ version }) => version === 2)
  const v1 = hierarchies.filter(({ version }) => version === 1)
  if (hierarchies.length === 0)
    throw new LibpodError(
      'unavailable',
      'No cgroup file system is mounted.',
      { what: 'cgroups' },
      { hint: 'Mount one: mount -t cgroup2 none /sys/fs/cgroup.' },
    )
  return {
    mode: v1.length === 0 ? 'v2' : v2 === undefined ? 'v1' : 'hybrid',
    hierarchies,
    controllers: Object.fromEntries(hierarchies.flatMap(({ controllers, version }) => controllers.map((name) => [name, version]))),
    ...(v2 === undefined ? {} : { unified: v2.mountPoint }),
    unifiedControllers: v2?.controllers ?? [],
    writable: hierarchies.every(({ writable }) => writable),
  }
}

/** A hybrid host as it looks where the unified tree is hidden: a v1 one. */
export function withoutUnified(host: CgroupHost): CgroupHost {
  return host.mode === 'hybrid' ? describeCgroups(host.hierarchies.filter(({ version }) => version === 1)) : host
}

/** The directory of this process' own cgroup in a hierarchy. */
export function ownDirectory(hierarchy: CgroupHierarchy): string {
  return hierarchyPath(hierarchy, hierarchy.own)
}

function isOption(mount: MountInfo, controller: string): boolean {
  return mount.superOptions.includes(controller) || mount.superOptions.includes(`name=${controller}`)
}

async function unifiedControllers(mountPoint: string): Promise<string[]> {
  const text = await readFile(join(mountPoint, 'cgroup.controllers'), 'utf8').catch(() => '')
  return text.split(/\s+/).filter((name) => name !== '')
}

async function isWritable(mountPoint: string): Promise<boolean> {
  return access(mountPoint, constants.W_OK).then(
    () => true,
    () => false,
  )
}
