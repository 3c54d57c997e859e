import { LibpodError } from '../../base/errors.ts'
import type { Zod } from '../../base/schema.ts'
import type { RuntimeCpu, RuntimeMemory, RuntimeResources } from '../../specs/runtime-spec.ts'
import type { SpecHost } from './spec-host.ts'

/** What the container may use of the machine. @public */
export interface ResourceOptions {
  /** Memory, in bytes. */
  readonly memoryBytes?: number | undefined
  /** Memory and swap together, in bytes; -1 for any amount of swap. Twice `memoryBytes` if not given. */
  readonly memorySwapBytes?: number | undefined
  /** What it is pushed back to when memory is scarce, in bytes. */
  readonly memoryReservationBytes?: number | undefined
  /** How readily its pages are swapped, 0 to 100; cgroup v1 only. */
  readonly memorySwappiness?: number | undefined
  /** How many processors' worth of time, as 1.5. */
  readonly cpus?: number | undefined
  /** Weight against other containers; 1024 is usual. */
  readonly cpuShares?: number | undefined
  /** Microseconds of processor time in each period; -1 for no limit. Instead of `cpus`. */
  readonly cpuQuota?: number | undefined
  /** The period in microseconds. Instead of `cpus`. */
  readonly cpuPeriod?: number | undefined
  /** The processors it may run on, as `0-2,7`. */
  readonly cpusetCpus?: string | undefined
  /** The memory nodes it may use, as `0,1`. */
  readonly cpusetMems?: string | undefined
  /** How many processes and threads it may have: 2048 if not given, -1 for any number. */
  readonly pidsLimit?: number | undefined
  /** Weight of its disk traffic, 10 to 1000. */
  readonly blkioWeight?: number | undefined
  /** How likely the kernel is to kill it when memory runs out, -1000 to 1000. Raised to what this process may set. */
  readonly oomScoreAdj?: number | undefined
  /** Files of cgroup v2 and what is written to them, as `{ 'memory.high': '100M' }`. */
  readonly cgroupConf?: Readonly<Record<string, string>> | undefined
}

/** The resource options as they are stored: those that were given. */
export type NormalizedResources = { readonly [Key in keyof ResourceOptions]?: NonNullable<ResourceOptions[Key]> } & {
  readonly pidsLimit: number
}

const defaultPeriod = 100_000

export const resourceShape = (z: Zod) => {
  const bytes = z.int().min(0)
  const cpuList = z.string().regex(/^\d+(-\d+)?(,\d+(-\d+)?)*$/, 'must be a list such as "0-2,7"')
  return {
    memoryBytes: bytes.optional(),
    memorySwapBytes: z.int().min(-1).optional(),
    memoryReservationBytes: bytes.optional(),
    memorySwappiness: z.int().min(0).max(100).optional(),
    cpus: z.number().min(0).optional(),
    cpuShares: z.int().min(0).optional(),
    cpuQuota: z.int().min(-1).optional(),
    cpuPeriod: z.int().min(0).optional(),
    cpusetCpus: cpuList.optional(),
    cpusetMems: cpuList.optional(),
    pidsLimit: z.int().min(-1).optional(),
    blkioWeight: z.int().min(10).max(1000).optional(),
    oomScoreAdj: z.int().min(-1000).max(1000).optional(),
    cgroupConf: z.record(z.string().regex(/^[a-z_]+(\.[a-z0-9_.]+)+$/i, 'is not the name of a cgroup file'), z.string()).optional(),
  }
}

/** The controllers that limits are set with. */
const controllerOf = {
  memoryBytes: 'memory',
  memorySwapBytes: 'memory',
  memoryReservationBytes: 'memory',
  memorySwappiness: 'memory',
  cpus: 'cpu',
  cpuShares: 'cpu',
  cpuQuota: 'cpu',
  cpuPeriod: 'cpu',
  cpusetCpus: 'cpuset',
  cpusetMems: 'cpuset',
  pidsLimit: 'pids',
  blkioWeight: 'io',
} as const satisfies Partial<Record<keyof ResourceOptions, string>>

/** Throws `invalid-argument` where two limits contradict each other, and `unsupported` for one that this user cannot set. */
export function normalizeResources(
  options: ResourceOptions,
  host: Pick<SpecHost, 'defaults' | 'delegatedControllers'>,
): NormalizedResources {
  const { defaults } = host
  check(options)
  checkDelegation(options, host)
  const { memoryBytes, memorySwapBytes, memoryReservationBytes, memorySwappiness, cpus, cpuShares, cpuQuota, cpuPeriod } = options
  const { cpusetCpus, cpusetMems, pidsLimit, blkioWeight, oomScoreAdj, cgroupConf } = options
  return {
    // 0 is how Podman and Docker write "no limit".
    ...(memoryBytes ? { memoryBytes } : {}),
    ...(memorySwapBytes ? { memorySwapBytes } : {}),
    ...(memoryReservationBytes ? { memoryReservationBytes } : {}),
    ...(memorySwappiness === undefined ? {} : { memorySwappiness }),
    ...(cpus ? { cpus } : {}),
    ...(cpuShares ? { cpuShares } : {}),
    ...(cpuQuota ? { cpuQuota } : {}),
    ...(cpuPeriod ? { cpuPeriod } : {}),
    ...(cpusetCpus === undefined ? {} : { cpusetCpus }),
    ...(cpusetMems === undefined ? {} : { cpusetMems }),
    ...(blkioWeight === undefined ? {} : { blkioWeight }),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    ...(cgroupConf === undefined ? {} : { cgroupConf: { ...cgroupConf } }),
    pidsLimit: (pidsLimit ?? (canLimit(host, 'pids') ? defaults.pidsLimit : 0)) || -1,
  }
}

function canLimit({ delegatedControllers }: Pick<SpecHost, 'delegatedControllers'>, controller: string): boolean {
  return delegatedControllers === undefined || delegatedControllers.includes(controller)
}

/** A limit that would not hold is none: nobody may believe that it does. */
function checkDelegation(options: ResourceOptions, host: Pick<SpecHost, 'delegatedControllers'>): void {
  for (const [option, controller] of Object.entries(controllerOf) as [keyof typeof controllerOf, string][]) {
    const value = options[option]
    const asked = value !== undefined && value !== 0 && value !== -1
    if (asked && !canLimit(host, controller)) throw notDelegated(option, controller)
  }
  for (const file of Object.keys(options.cgroupConf ?? {})) {
    const [controller = ''] = file.split('.')
    if (!canLimit(host, controller)) throw notDelegated(`cgroupConf.${file}`, controller)
  }
}

function notDelegated(path: string, controller: string): LibpodError {
  return new LibpodError(
    'unsupported',
    `${path}: without root it cannot be set here, because the cgroup controller ${controller} is not delegated to this user.`,
    { what: path },
    {
      hint: `Leave it out; or use cgroup v2 and a login session of systemd, and have root write Delegate=cpu cpuset io memory pids in the section [Service] of /etc/systemd/system/user@.service.d/delegate.conf.`,
    },
  )
}

function check({ memoryBytes, memorySwapBytes, memoryReservationBytes, cpus, cpuQuota, cpuPeriod }: ResourceOptions): void {
  if (memorySwapBytes && memorySwapBytes > 0) {
    if (!memoryBytes) throw contradiction('memorySwapBytes', memorySwapBytes, 'it needs memoryBytes too')
    if (memorySwapBytes < memoryBytes)
      throw contradiction('memorySwapBytes', memorySwapBytes, 'memory and swap together cannot be less than memoryBytes')
  }
  if (memoryBytes && memoryReservationBytes && memoryReservationBytes > memoryBytes)
    throw contradiction('memoryReservationBytes', memoryReservationBytes, 'it cannot be more than memoryBytes')
  if (cpus && (cpuQuota || cpuPeriod)) throw contradiction('cpus', cpus, 'it cannot be used together with cpuQuota and cpuPeriod')
  if (cpus && cpus < 0.01) throw contradiction('cpus', cpus, 'the kernel gives no less than 0.01 of a processor')
  if (cpuPeriod && (cpuPeriod < 1000 || cpuPeriod > 1_000_000))
    throw contradiction('cpuPeriod', cpuPeriod, 'it must lie between 1000 and 1000000')
  if (cpuQuota && cpuQuota !== -1 && cpuQuota < 1000) throw contradiction('cpuQuota', cpuQuota, 'it must be at least 1000, or -1')
}

/** `linux.resources`, without the devices. Throws `unsupported` for what this host's cgroups have not. */
export function linuxResources(options: NormalizedResources, host: SpecHost): RuntimeResources {
  const memory = memoryOf(options, host)
  const cpu = cpuOf(options)
  const { pidsLimit, blkioWeight, cgroupConf } = options
  if (cgroupConf !== undefined && host.cgroupVersion === 1) throw notHere('cgroupConf', 'cgroup v2')
  return {
    ...(memory === undefined ? {} : { memory }),
    ...(cpu === undefined ? {} : { cpu }),
    // Where no limit can be set, saying that there is none is already too much for some runtimes.
    ...(canLimit(host, 'pids') ? { pids: { limit: pidsLimit } } : {}),
    ...(blkioWeight === undefined ? {} : { blockIO: { weight: blkioWeight } }),
    ...(cgroupConf === undefined ? {} : { unified: cgroupConf }),
  }
}

/** `process.oomScoreAdj`: without CAP_SYS_RESOURCE no process may be made safer than we are. */
export function oomScoreAdjOf({ oomScoreAdj }: NormalizedResources, host: SpecHost): number | undefined {
  if (oomScoreAdj === undefined || host.canRaiseLimits) return oomScoreAdj
  return Math.max(oomScoreAdj, host.oomScoreAdj)
}

function memoryOf(options: NormalizedResources, host: SpecHost): RuntimeMemory | undefined {
  const { memoryBytes: limit, memorySwapBytes, memoryReservationBytes: reservation, memorySwappiness: swappiness } = options
  if (memorySwapBytes !== undefined && !host.swapLimit) throw notHere('memorySwapBytes', 'a kernel that counts swap')
  if (swappiness !== undefined && host.cgroupVersion === 2) throw notHere('memorySwappiness', 'cgroup v1')
  const swap = memorySwapBytes ?? (limit !== undefined && host.swapLimit ? limit * 2 : undefined)
  const memory = {
    ...(limit === undefined ? {} : { limit }),
    ...(swap === undefined ? {} : { swap }),
    ...(reservation === undefined ? {} : { reservation }),
    ...(swappiness === undefined ? {} : { swappiness }),
  }
  return Object.keys(memory).length === 0 ? undefined : memory
}

function cpuOf({
  cpus,
  cpuShares: shares,
  cpuQuota,
  cpuPeriod,
  cpusetCpus,
  cpusetMems: mems,
}: NormalizedResources): RuntimeCpu | undefined {
  const quota = cpus === undefined ? cpuQuota : Math.round(cpus * defaultPeriod)
  const period = cpus === undefined ? cpuPeriod : defaultPeriod
  const cpu = {
    ...(shares === undefined ? {} : { shares }),
    ...(quota === undefined ? {} : { quota }),
    ...(period === undefined ? {} : { period }),
    ...(cpusetCpus === undefined ? {} : { cpus: cpusetCpus }),
    ...(mems === undefined ? {} : { mems }),
  }
  return Object.keys(cpu).length === 0 ? undefined : cpu
}

function contradiction(path: string, value: unknown, why: string): LibpodError {
  return new LibpodError('invalid-argument', `${path}: ${why}.`, { path, value })
}

function notHere(path: string, what: string): LibpodError {
  return new LibpodError(
    'unsupported',
    `${path}: this host has not what it needs, ${what}.`,
    { what: path },
    { hint: 'Leave the option out.' },
  )
}
