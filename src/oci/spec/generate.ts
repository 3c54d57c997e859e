import type { RuntimeProcess, RuntimeSpec } from '../../specs/runtime-spec.ts'
import type { PlannedMount } from '../monitor.ts'
import type { SeccompProfile } from '../seccomp-profile.ts'
import { specAnnotations } from './annotations.ts'
import { boundingOf, processCapabilities } from './capabilities.ts'
import { composeMounts, type MountSources } from './compose-mounts.ts'
import { linuxDevices } from './devices.ts'
import { type JoinedFiles, planFiles } from './engine-files.ts'
import { type HostObjects, noHostObjects } from './host-objects.ts'
import { initArgs } from './init.ts'
import { linuxNamespaces, type NamespacePaths, setsHostname } from './namespaces.ts'
import { envList, processEnv } from './process.ts'
import { linuxResources, oomScoreAdjOf } from './resources.ts'
import { processRlimits } from './rlimits.ts'
import { rootfsPropagation, specRoot } from './rootfs.ts'
import { seccompOf } from './seccomp.ts'
import { linuxSecurity, processSecurity } from './security.ts'
import type { SpecHost } from './spec-host.ts'
import type { NormalizedSpecOptions } from './spec-options.ts'
import { linuxSysctls } from './sysctls.ts'
import { type Accounts, processUser, resolveUser } from './user.ts'

/** All that a container's `config.json` is made of. What had to be read for it comes from `prepareSpec`. */
export interface SpecInput {
  readonly id: string
  readonly name: string
  readonly options: NormalizedSpecOptions
  /** Where the root filesystem will be mounted. */
  readonly rootfs: string
  /** The folder that the engine's files are written to. */
  readonly bundle: string
  readonly accounts: Accounts
  readonly host: SpecHost
  /** Empty where containers have no cgroups of their own. */
  readonly cgroupsPath: string
  readonly image?: { readonly id: string; readonly name: string }
  readonly stopSignal?: number
  readonly autoRemove?: boolean
  /** Texts of `/etc/hosts` and `/etc/resolv.conf`; one that is not given is left to the image. */
  readonly network?: { readonly hosts?: string; readonly resolvConf?: string }
  /** The namespaces that are joined and not named by the options themselves. */
  readonly namespacePaths?: NamespacePaths
  /** Where volumes and images lie, by their targets. */
  readonly mountSources?: MountSources
  /** What else is shared with the containers whose namespaces are joined. */
  readonly joined?: JoinedFiles
  readonly objects?: HostObjects
  /** The profile that `security.seccomp` names, if it names one. */
  readonly seccompProfile?: SeccompProfile
  /** The filter, compiled, in base64: for crun. */
  readonly seccompBpf?: string
}

/** What a bundle is made of. */
export interface GeneratedSpec {
  readonly config: RuntimeSpec
  /** Texts to write beside it, by file name. */
  readonly files: Readonly<Record<string, string>>
  /** Mounts to make in the container's own mount namespace before the runtime runs. */
  readonly mounts: readonly PlannedMount[]
}

const ociVersion = '1.0.2'

/** Makes `config.json`: pure, and quick enough (0.1 ms) to be made anew at each start. */
export function generateSpec(input: SpecInput): GeneratedSpec {
  const { options, host, namespacePaths = {}, objects = noHostObjects, mountSources: sources = new Map<string, string>() } = input
  const planned = planFiles({ ...input, rootless: host.rootless })
  const mounts = composeMounts(options, planned.places, { objects, sources, host })
  const seccomp = seccompOf({ options, host, profile: input.seccompProfile })
  const { devices, rules } = linuxDevices(objects.devices, options, host)
  const sysctl = linuxSysctls(options, host)
  const config: RuntimeSpec = {
    ociVersion,
    process: specProcess(input),
    root: specRoot(input.rootfs, options),
    ...(setsHostname(options) ? { hostname: options.hostname } : {}),
    mounts,
    annotations: specAnnotations(input),
    linux: {
      ...(Object.keys(sysctl).length === 0 ? {} : { sysctl }),
      resources: { ...(rules === undefined ? {} : { devices: rules }), ...linuxResources(options, host) },
      ...(input.cgroupsPath === '' ? {} : { cgroupsPath: input.cgroupsPath }),
      namespaces: linuxNamespaces(options, namespacePaths),
      ...(devices === undefined ? {} : { devices }),
      ...(seccomp === undefined ? {} : { seccomp }),
      ...rootfsPropagation(mounts),
      ...linuxSecurity(options, host),
    },
  }
  return { config, files: planned.texts, mounts: planned.mounts }
}

/** The `process` of a container's own program. */
export function specProcess({ options, accounts, host }: Pick<SpecInput, 'options' | 'accounts' | 'host'>): RuntimeProcess {
  const user = resolveUser(options, accounts)
  const env = processEnv({ options, hostname: options.hostname, home: user.home, defaults: host.defaults, proxies: host.proxies })
  const rlimits = processRlimits(options, host)
  const oomScoreAdj = oomScoreAdjOf(options, host)
  return {
    ...(options.tty ? { terminal: true } : {}),
    user: processUser(user, host),
    args: initArgs(options.args, options),
    env: envList(env),
    cwd: options.workdir,
    capabilities: processCapabilities(options, boundingOf(options, host), user.uid, host),
    ...(rlimits === undefined ? {} : { rlimits }),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    ...processSecurity(options, host),
  }
}
