import { LibpodError } from '../../base/errors.ts'
import type { RuntimeCpu, RuntimeMemory, RuntimeResources } from '../../specs/runtime-spec.ts'
import { mapFsError } from '../fs/disk.ts'
import { writeControl } from './files.ts'
import type { CgroupPaths } from './paths.ts'

/** One limit: the file it is written to, and what. */
export interface LimitFile {
  readonly controller: string
  readonly file: string
  readonly value: string
}

/** Sets limits on a cgroup that is there, in whichever tree each controller is. Rejects with `unsupported` for what no tree has. */
export async function limitCgroup(paths: CgroupPaths, resources: RuntimeResources): Promise<void> {
  const [v1, v2] = [limitFiles(resources, 1), limitFiles(resources, 2)]
  for (const controller of new Set([...v1, ...v2].map((limit) => limit.controller))) {
    const own = paths.v1[controller]
    const directory = own ?? paths.unified
    if (directory === undefined) throw noController(controller)
    for (const { file, value } of (own === undefined ? v2 : v1).filter((limit) => limit.controller === controller)) {
      // In their order: some limits are checked against those written before.
      await writeControl(directory, file, value).catch((error: unknown) => {
        throw limitFailed(error, { controller, file, value })
      })
    }
  }
}

/** The limits as the files of one version of cgroups have them. */
export function limitFiles({ memory, cpu, pids, blockIO, unified }: RuntimeResources, version: 1 | 2): LimitFile[] {
  const files = [
    ...(version === 1 ? memoryV1(memory) : memoryV2(memory)),
    ...(version === 1 ? cpuV1(cpu) : cpuV2(cpu)),
    ...given('cpuset', 'cpuset.cpus', cpu?.cpus),
    ...given('cpuset', 'cpuset.mems', cpu?.mems),
    ...given('pids', 'pids.max', pids?.limit, noLimit),
    ...(version === 1
      ? given('blkio', 'blkio.weight', blockIO?.weight)
      : given('io', 'io.weight', blockIO?.weight, (weight) => `default ${weight}`)),
  ]
  if (version === 1) return files
  return [...files, ...Object.entries(unified ?? {}).map(([file, value]) => ({ controller: file.split('.')[0] ?? '', file, value }))]
}

function memoryV1(memory: RuntimeMemory = {}): LimitFile[] {
  return [
    ...given('memory', 'memory.limit_in_bytes', memory.limit),
    ...given('memory', 'memory.memsw.limit_in_bytes', memory.swap),
    ...given('memory', 'memory.soft_limit_in_bytes', memory.reservation),
    ...given('memory', 'memory.swappiness', memory.swappiness),
  ]
}

/** v2 counts swap by itself, where v1 and the OCI count it together with memory. */
function memoryV2({ limit, swap, reservation }: RuntimeMemory = {}): LimitFile[] {
  const swapOnly = swap === undefined || swap === -1 ? swap : swap - (limit ?? 0)
  return [
    ...given('memory', 'memory.max', limit, noLimit),
    ...given('memory', 'memory.swap.max', swapOnly, noLimit),
    ...given('memory', 'memory.low', reservation),
  ]
}

function cpuV1(cpu: RuntimeCpu = {}): LimitFile[] {
  return [
    ...given('cpu', 'cpu.shares', cpu.shares),
    ...given('cpu', 'cpu.cfs_period_us', cpu.period),
    ...given('cpu', 'cpu.cfs_quota_us', cpu.quota),
  ]
}

function cpuV2({ shares, quota, period }: RuntimeCpu = {}): LimitFile[] {
  const max = quota === undefined && period === undefined ? undefined : `${noLimit(quota ?? -1)} ${period ?? 100_000}`
  return [...given('cpu', 'cpu.weight', shares, (value) => String(cpuWeight(value))), ...given('cpu', 'cpu.max', max)]
}

/** v1's 2 to 262,144 on v2's scale of 1 to 10,000, as the runtimes convert them. */
export function cpuWeight(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142)
}

function noLimit(value: number): string {
  return value < 0 ? 'max' : String(value)
}

function given<T>(controller: string, file: string, value: T | undefined, show: (value: T) => string = String): LimitFile[] {
  return value === undefined ? [] : [{ controller, file, value: show(value) }]
}

function noController(controller: string): LibpodError {
  return new LibpodError(
    'unsupported',
    `This host has no cgroup controller ${controller}.`,
    { what: `cgroup controller ${controller}` },
    { hint: 'Leave out the limits that need it.' },
  )
}

function limitFailed(error: unknown, { controller, file, value }: LimitFile): Error {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'EOPNOTSUPP')
    return new LibpodError(
      'unsupported',
      `This host's cgroups cannot limit ${file}.`,
      { what: file },
      { cause: error, hint: `The controller ${controller} is not there, not handed down, or built without this.` },
    )
  if (code === 'EINVAL' || code === 'ERANGE' || code === 'EBUSY')
    return new LibpodError(
      'invalid-argument',
      `The kernel refuses ${value} for ${file} (${code}).`,
      { path: file, value },
      { cause: error },
    )
  return mapFsError(error, file)
}
