import { join } from 'node:path'
import type { PlannedMount } from '../monitor.ts'
import type { NormalizedMounts } from './mounts.ts'
import type { NormalizedNamespaces } from './namespaces.ts'

/** What the engine itself puts into a container: where it lies, by its path in the container. */
export interface EngineFiles {
  readonly binds: Readonly<Record<string, string>>
  /** The folder of the container's `/dev/shm`; none with the host's. */
  readonly shm?: string
}

/** What the engine puts into one container. */
export interface PlannedFiles {
  readonly places: EngineFiles
  /** The texts to write, by the name of the file in the bundle. */
  readonly texts: Readonly<Record<string, string>>
  /** To be made in the container's own mount namespace before the runtime runs. */
  readonly mounts: readonly PlannedMount[]
}

interface FilesInput {
  readonly id: string
  readonly name: string
  readonly bundle: string
  readonly options: NormalizedNamespaces & NormalizedMounts & { readonly privileged: boolean }
  readonly image?: { readonly id: string; readonly name: string } | undefined
  readonly rootless: boolean
  /** Texts of `/etc/hosts` and `/etc/resolv.conf`; one that is not given is left to the image. */
  readonly network?: { readonly hosts?: string | undefined; readonly resolvConf?: string | undefined } | undefined
  /** What the containers have whose namespaces are joined. */
  readonly joined?: JoinedFiles | undefined
}

/** What a container shares with those whose namespaces it joins, besides the namespaces. */
export interface JoinedFiles {
  /** The files of the network's owner, by their paths on the host; absent where that one has none. */
  readonly network?: { readonly hosts?: string; readonly resolvConf?: string }
  /** A process of the owner of the IPC namespace: what that sees at `/dev/shm` belongs to the namespace. */
  readonly ipc?: { readonly pid: number; readonly startTime: string }
}

/** Plans hosts, hostname, resolv.conf, .containerenv and /dev/shm. */
export function planFiles(input: FilesInput): PlannedFiles {
  const { bundle, options, network, joined } = input
  const files: readonly (readonly [string, string, string | undefined])[] = [
    ['/etc/hosts', 'hosts', network?.hosts],
    ['/etc/hostname', 'hostname', `${options.hostname}\n`],
    ['/etc/resolv.conf', 'resolv.conf', network?.resolvConf],
    ['/run/.containerenv', 'containerenv', containerEnvText(input)],
  ]
  const binds: Record<string, string> = {}
  const texts: Record<string, string> = {}
  for (const [path, name, text] of files) {
    const shared = joined?.network !== undefined && ofNetwork.has(path)
    if (shared || text === undefined) continue
    binds[path] = join(bundle, name)
    texts[name] = text
  }
  if (joined?.network?.hosts !== undefined) binds['/etc/hosts'] = joined.network.hosts
  if (joined?.network?.resolvConf !== undefined) binds['/etc/resolv.conf'] = joined.network.resolvConf
  const shm = join(bundle, 'shm')
  const mount = options.mounts.some(({ target }) => target === '/dev/shm') ? undefined : shmMount(shm, input)
  return mount === undefined ? { places: { binds }, texts, mounts: [] } : { places: { binds, shm }, texts, mounts: [mount] }
}

/** The files that go with a network namespace. */
const ofNetwork: ReadonlySet<string> = new Set(['/etc/hosts', '/etc/resolv.conf'])

/** POSIX shared memory goes with the IPC namespace: its own, or that of the container that is joined. */
function shmMount(target: string, { options: { ipc, shmSizeBytes }, joined }: FilesInput): PlannedMount | undefined {
  if (joined?.ipc !== undefined) return { type: 'copy', source: '/dev/shm', target, options: [], mkdir: 0o700, of: joined.ipc }
  if (ipc !== 'private') return undefined
  const options = ['nosuid', 'nodev', 'noexec', 'mode=1777', `size=${shmSizeBytes}`]
  return { type: 'tmpfs', source: 'shm', target, options, mkdir: 0o700 }
}

/** Its being there says "a container"; only privileged ones are told more, as with Podman. */
function containerEnvText({ id, name, image, options, rootless }: FilesInput): string {
  if (!options.privileged) return ''
  const values: readonly (readonly [string, string])[] = [
    ['engine', 'libpod-ts'],
    ['name', name],
    ['id', id],
    ['image', image?.name ?? ''],
    ['imageid', image?.id ?? ''],
  ]
  return `${values.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n')}\nrootless=${rootless ? 1 : 0}\n`
}
