import { access, constants, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isLibpodError } from '../../base/errors.ts'
import type { EngineConfig } from '../../config/engine-config.ts'
import { readCapabilities } from '../../linux/capabilities.ts'
import type { CgroupHost } from '../../linux/cgroups/detect.ts'
import { hostFacts } from '../../linux/host-facts.ts'
import { readRlimits } from '../../linux/rlimits.ts'
import type { IdMapping, IdMappings } from '../../linux/user-namespace/subordinate-ids.ts'
import { absentSeccompProfile, seccompProfiles } from '../seccomp-profile.ts'
import type { SpecHost } from './spec-host.ts'

const initPaths = ['/usr/libexec/podman/catatonit', '/usr/lib/podman/catatonit', '/usr/libexec/catatonit/catatonit', '/usr/bin/catatonit']
const defaultOpenFiles = 1_048_576

/** Looks at this host, once. A missing seccomp profile fails the containers that need it, not this. */
export async function readSpecHost(input: {
  readonly config: EngineConfig
  readonly cgroups: CgroupHost
  readonly systemdCgroup: boolean
  readonly delegatedControllers?: readonly string[] | undefined
  /** The ids that an ordinary user's containers have; empty where nobody knows them. */
  readonly mappings?: IdMappings | undefined
}): Promise<SpecHost> {
  const { config, cgroups, systemdCgroup, delegatedControllers, mappings } = input
  const [facts, capabilities, rlimits, openFiles, oomScoreAdj, swapLimit, hasMessageQueues, apparmor, initPath] = await Promise.all([
    hostFacts(),
    readCapabilities(),
    readRlimits(),
    readText('/proc/sys/fs/nr_open'),
    readText('/proc/self/oom_score_adj'),
    hasSwapLimit(cgroups),
    exists('/dev/mqueue'),
    loadedProfile(),
    findInit(config),
  ])
  const profiles = seccompProfiles(facts, config.containers.seccompProfile)
  const seccomp = await profiles.load().catch((error: unknown) => {
    if (isLibpodError(error)) return absentSeccompProfile(error)
    throw error
  })
  return {
    arch: facts.arch,
    kernel: facts.kernel,
    hostname: facts.hostname,
    memoryTotalBytes: facts.memoryBytes,
    rootless: config.rootless,
    ...(mappings === undefined || mappings.uids.length === 0
      ? {}
      : { ids: { uids: countOf(mappings.uids), gids: countOf(mappings.gids) } }),
    cgroupVersion: cgroups.mode === 'v2' ? 2 : 1,
    ...(delegatedControllers === undefined ? {} : { delegatedControllers }),
    systemdCgroup,
    swapLimit,
    hasMessageQueues,
    boundingCapabilities: capabilities.bounding,
    // In a user namespace the capability says nothing about limits, which are the whole machine's.
    canRaiseLimits: capabilities.effective.includes('CAP_SYS_RESOURCE') && !facts.inUserNamespace && !config.rootless,
    rlimits,
    openFilesMax: Number(openFiles ?? defaultOpenFiles),
    oomScoreAdj: Number(oomScoreAdj ?? 0),
    ...(facts.apparmor ? { apparmor: apparmor === undefined ? {} : { defaultProfile: apparmor } } : {}),
    selinux: facts.selinux,
    seccomp,
    seccompProfiles: profiles,
    ...(initPath === undefined ? {} : { initPath }),
    proxies: config.environment.proxies,
    defaults: config.containers,
  }
}

/** They follow each other without a gap. */
function countOf(mappings: readonly IdMapping[]): number {
  return mappings.reduce((sum, [, , count]) => sum + count, 0)
}

/** With v2 swap can always be limited where memory can; v1 counts it only where it was built and booted so. */
async function hasSwapLimit({ mode, hierarchies }: CgroupHost): Promise<boolean> {
  const memory = hierarchies.find(({ controllers }) => controllers.includes('memory'))
  if (memory === undefined) return false
  return mode === 'v2' || memory.version === 2 || exists(join(memory.mountPoint, 'memory.memsw.limit_in_bytes'))
}

/** Podman's own AppArmor profile, where somebody loaded it. */
async function loadedProfile(): Promise<string | undefined> {
  const profiles = await readText('/sys/kernel/security/apparmor/profiles')
  return profiles === undefined ? undefined : /^(containers-default-\S+) /m.exec(profiles)?.[1]
}

async function findInit({ containers, engine }: EngineConfig): Promise<string | undefined> {
  if (containers.initPath !== undefined) return containers.initPath
  for (const path of [...engine.helperBinariesDir.map((folder) => join(folder, 'catatonit')), ...initPaths]) {
    if (await exists(path, constants.X_OK)) return path
  }
  return undefined
}

async function exists(path: string, mode = constants.F_OK): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  )
}
