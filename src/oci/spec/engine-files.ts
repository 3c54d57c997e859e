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

/** The host's own files, as they are when the container starts. */
export interface HostEtc {
  readonly hosts: string
  readonly resolvConf: string
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
  readonly etc?: HostEtc | undefined
  readonly rootless: boolean
  readonly noHosts: boolean
  /** What a network backend says instead. */
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

const emptyHosts = '127.0.0.1\tlocalhost\n::1\tlocalhost\n'

/** Plans hosts, hostname, resolv.conf, .containerenv and /dev/shm. */
export function planFiles(input: FilesInput): PlannedFiles {
  const { bundle, options, network, joined, noHosts } = input
  const resolvConf = network?.resolvConf ?? (options.network === 'host' ? input.etc?.resolvConf : undefined)
  const files: readonly (readonly [string, string, string | undefined])[] = [
    ['/etc/hosts', 'hosts', noHosts ? undefined : (network?.hosts ?? hostsText(input))],
    ['/etc/hostname', 'hostname', `${options.hostname}\n`],
    ['/etc/resolv.conf', 'resolv.conf', resolvConf],
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
  if (joined?.network?.hosts !== undefined && !noHosts) binds['/etc/hosts'] = joined.network.hosts
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

/** The host's own entries, and the container's name where nobody else's address stands for it. */
function hostsText({ etc, name, options }: FilesInput): string {
  const own = options.network === 'host' ? '' : `127.0.0.1\t${options.hostname} ${name}\n`
  const base = etc === undefined ? emptyHosts : withLocalhost(withoutComments(etc.hosts))
  return `${base}${own}`
}

function withoutComments(hosts: string): string[] {
  return hosts
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.replace(/\s+/, '\t'))
}

function withLocalhost(lines: readonly string[]): string {
  const names = (address: string): boolean => lines.some((line) => line.startsWith(`${address}\t`) && /\slocalhost(\s|$)/.test(line))
  const missing = ['127.0.0.1', '::1'].filter((address) => !names(address)).map((address) => `${address}\tlocalhost`)
  return [...lines, ...missing].map((line) => `${line}\n`).join('')
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
