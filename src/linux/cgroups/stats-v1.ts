import { parseFlatKeyed, readControl } from './files.ts'
import type { CgroupCpu, CgroupMemory, CgroupStats } from './stats-types.ts'

/** Above this a v1 limit means "none": the kernel rounds the largest number down to whole pages. */
const unlimited = 2 ** 62

/** Reads the counters that live in v1 trees. */
export async function readStatsV1(directories: Readonly<Record<string, string>>): Promise<CgroupStats> {
  const read = (controller: string, file: string): Promise<string | undefined> => readControl(directories[controller], file)
  const [usage, limit, peak, stat, memsw, memswLimit, oom, cpu, user, system, cpuStat, pids, pidsMax, io] = await Promise.all([
    read('memory', 'memory.usage_in_bytes'),
    read('memory', 'memory.limit_in_bytes'),
    read('memory', 'memory.max_usage_in_bytes'),
    read('memory', 'memory.stat'),
    read('memory', 'memory.memsw.usage_in_bytes'),
    read('memory', 'memory.memsw.limit_in_bytes'),
    read('memory', 'memory.oom_control'),
    read('cpuacct', 'cpuacct.usage'),
    read('cpuacct', 'cpuacct.usage_user'),
    read('cpuacct', 'cpuacct.usage_sys'),
    read('cpu', 'cpu.stat'),
    read('pids', 'pids.current'),
    read('pids', 'pids.max'),
    read('blkio', 'blkio.throttle.io_service_bytes_recursive'),
  ])
  return {
    ...(usage === undefined ? {} : { memory: memoryOf({ usage, limit, peak, stat, memsw, memswLimit, oom }) }),
    ...(cpu === undefined ? {} : { cpu: cpuOf(cpu, user, system, cpuStat) }),
    ...(pids === undefined ? {} : { pids: { current: Number(pids), ...(pidsMax?.trim() === 'max' ? {} : { limit: Number(pidsMax) }) } }),
    ...(io === undefined ? {} : { io: parseServiceBytes(io) }),
  }
}

interface MemoryFiles {
  readonly usage: string
  readonly limit: string | undefined
  readonly peak: string | undefined
  readonly stat: string | undefined
  readonly memsw: string | undefined
  readonly memswLimit: string | undefined
  readonly oom: string | undefined
}

function memoryOf({ usage, limit, peak, stat, memsw, memswLimit, oom }: MemoryFiles): CgroupMemory {
  const stats = parseFlatKeyed(stat)
  const count = (key: string): number => stats.get(key) ?? 0
  const usageBytes = Number(usage)
  const limitBytes = limitOf(limit)
  const bothBytes = limitOf(memswLimit)
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - count('total_inactive_file')),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(peak === undefined ? {} : { peakBytes: Number(peak) }),
    rssBytes: count('total_rss'),
    cacheBytes: count('total_cache'),
    // v1 counts memory and swap together.
    ...(memsw === undefined ? {} : { swapBytes: Math.max(0, Number(memsw) - usageBytes) }),
    ...(bothBytes === undefined || limitBytes === undefined ? {} : { swapLimitBytes: Math.max(0, bothBytes - limitBytes) }),
    pageFaults: count('total_pgfault'),
    majorPageFaults: count('total_pgmajfault'),
    oomKills: parseFlatKeyed(oom).get('oom_kill') ?? 0,
  }
}

function cpuOf(usage: string, user: string | undefined, system: string | undefined, stat: string | undefined): CgroupCpu {
  return {
    usageNs: Number(usage),
    userNs: Number(user ?? 0),
    systemNs: Number(system ?? 0),
    throttledNs: parseFlatKeyed(stat).get('throttled_time') ?? 0,
  }
}

/** Lines `8:0 Read 4096`, one set for each device, and a total at the end. */
export function parseServiceBytes(text: string): { readBytes: number; writeBytes: number } {
  const sums = { readBytes: 0, writeBytes: 0 }
  for (const line of text.split('\n')) {
    const [, operation, bytes] = line.split(' ')
    if (operation === 'Read') sums.readBytes += Number(bytes)
    else if (operation === 'Write') sums.writeBytes += Number(bytes)
  }
  return sums
}

function limitOf(text: string | undefined): number | undefined {
  const value = Number(text ?? Number.NaN)
  return Number.isNaN(value) || value >= unlimited ? undefined : value
}
