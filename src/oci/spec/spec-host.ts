import type { ContainersSection } from '../../config/containers-conf.ts'
import type { CapabilityName } from '../../linux/capabilities.ts'
import type { Rlimit, RlimitName } from '../../linux/rlimits.ts'
import type { SeccompProfile, SeccompProfiles } from '../seccomp-profile.ts'

/** What a container's configuration depends on besides its options, and what does not change while an engine is open. */
export interface SpecHost {
  /** As Go names it: `amd64`, `arm64`. */
  readonly arch: string
  /** As `uname -r` says. */
  readonly kernel: string
  readonly hostname: string
  readonly memoryTotalBytes: number
  readonly rootless: boolean
  /** So many ids, from 0 on, an ordinary user's containers have. Absent for root, whose containers have all. */
  readonly ids?: { readonly uids: number; readonly gids: number }
  /** 2 only where all controllers are in the unified tree. */
  readonly cgroupVersion: 1 | 2
  /**
   * The controllers by which an ordinary user can set limits, and none when containers have no cgroups of their own at all. Absent for
   * root, who has all there are.
   */
  readonly delegatedControllers?: readonly string[]
  /** systemd makes the cgroups. */
  readonly systemdCgroup: boolean
  /** Whether the kernel counts swap, so that a limit on it can be set. */
  readonly swapLimit: boolean
  /** Whether the host's own message queues are mounted at `/dev/mqueue`. */
  readonly hasMessageQueues: boolean
  readonly boundingCapabilities: readonly CapabilityName[]
  /** CAP_SYS_RESOURCE: limits may go above our own, and oom_score_adj below. */
  readonly canRaiseLimits: boolean
  readonly rlimits: ReadonlyMap<RlimitName, Rlimit>
  /** `fs.nr_open`: no process may have more files open, CAP_SYS_RESOURCE or not. */
  readonly openFilesMax: number
  readonly oomScoreAdj: number
  /** Absent where AppArmor is not enabled. */
  readonly apparmor?: { readonly defaultProfile?: string }
  readonly selinux: boolean
  /** The system's own seccomp profile; when there is none, its `resolve` throws `unavailable`. */
  readonly seccomp: SeccompProfile
  /** Profiles that containers name by a path. */
  readonly seccompProfiles: SeccompProfiles
  /** The init program for containers with `init`, if there is one. */
  readonly initPath?: string
  /** The proxy variables of this process. */
  readonly proxies: Readonly<Record<string, string>>
  /** The defaults of containers.conf. */
  readonly defaults: ContainersSection
}
