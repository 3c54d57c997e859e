import { LibpodError } from '../../base/errors.ts'
import type { Zod } from '../../base/schema.ts'
import { hasOwnNetwork, type NormalizedNamespaces } from './namespaces.ts'
import type { SpecHost } from './spec-host.ts'

/** Kernel settings of the container's own namespaces. @public */
export interface SysctlOptions {
  /** As `{ 'net.core.somaxconn': '1024' }`. Only settings that belong to a namespace of the container's own. */
  readonly sysctls?: Readonly<Record<string, string>> | undefined
}

/** The sysctls as they are stored. */
export interface NormalizedSysctls {
  readonly sysctls: Readonly<Record<string, string>>
}

const ipcSettings = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
])

export const sysctlShape = (z: Zod) => ({ sysctls: z.record(z.string(), z.string()).optional() })

/** Throws `invalid-argument` for a setting that is the whole machine's, and for one of a namespace that is the host's. */
export function normalizeSysctls({ sysctls = {} }: SysctlOptions, namespaces: NormalizedNamespaces): NormalizedSysctls {
  for (const [name, value] of Object.entries(sysctls)) {
    const path = `sysctls.${name}`
    const namespace = namespaceOf(name)
    if (namespace === undefined) {
      throw new LibpodError(
        'invalid-argument',
        `${path}: it is not a setting of a container, but of the whole machine.`,
        { path, value },
        { hint: 'Settings under net. and fs.mqueue., of System V IPC, kernel.hostname and kernel.domainname can be set.' },
      )
    }
    if (namespaces[namespace] === 'host') {
      throw new LibpodError(
        'invalid-argument',
        `${path}: it would change the host, because ${namespace} is 'host'.`,
        { path, value },
        { hint: `Leave it out, or give the container its own ${namespace} namespace.` },
      )
    }
  }
  return { sysctls: { ...sysctls } }
}

/** `linux.sysctl`: containers.conf's defaults as far as they are the container's to set, then the caller's. */
export function linuxSysctls(
  { sysctls, ...namespaces }: NormalizedSysctls & NormalizedNamespaces,
  { defaults }: SpecHost,
): Readonly<Record<string, string>> {
  const usual = Object.entries(defaults.defaultSysctls).filter(([name]) => {
    const namespace = namespaceOf(name)
    // A namespace that is joined by its path is somebody else's to tune.
    return namespace !== undefined && (namespace === 'network' ? hasOwnNetwork(namespaces) : namespaces[namespace] === 'private')
  })
  return { ...Object.fromEntries(usual), ...sysctls }
}

function namespaceOf(name: string): 'network' | 'ipc' | 'uts' | undefined {
  if (name.startsWith('net.')) return 'network'
  if (name.startsWith('fs.mqueue.') || ipcSettings.has(name)) return 'ipc'
  return name === 'kernel.hostname' || name === 'kernel.domainname' ? 'uts' : undefined
}
