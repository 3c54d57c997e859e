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
}

/** Plans hosts, hostname, resolv.conf, .containerenv and /dev/shm. */
export function planFiles(input: FilesInput): PlannedFiles {
  const { bundle, options, network } = input
  const files: readonly (readonly [string, string, string | undefined])[] = [
    ['/etc/hosts', 'hosts', network?.hosts],
    ['/etc/hostname', 'hostname', `${options.hostname}\n`],
    ['/etc/resolv.conf', 'resolv.conf', network?.resolvConf],
    ['/run/.containerenv', 'containerenv', containerEnvText(input)],
  ]
  const binds: Record<string, string> = {}
  const texts: Record<string, string> = {}
  for (const [path, name, text] of files) {
    if (text === undefined) continue
    binds[path] = join(bundle, name)
    texts[name] = text
  }
  if (options.ipc !== 'private' || options.mounts.some(({ target }) => target === '/dev/shm'))
    return { places: { binds }, texts, mounts: [] }
  const shm = join(bundle, 'shm')
  return { places: { binds, shm }, texts, mounts: [shmMount(shm, options)] }
}

function shmMount(target: string, { shmSizeBytes }: NormalizedMounts): PlannedMount {
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
