import { parseFlatKeyed, readControl } from './files.ts'
import type { CgroupCpu, CgroupMemory, CgroupStats } from './stats-types.ts'

/** The files of a v2 cgroup that the counters come from. */
const files = [
  'memory.current',
  'memory.max',
  'memory.peak',
  'memory.stat',
  'memory.swap.current',
  'memory.swap.max',
  'memory.events',
  'cpu.stat',
  'pids.current',
  'pids.max',
  'io.stat',
] as const

/** What the files of a v2 cgroup say; those that are not there are `undefined`. */
export type V2Files = Readonly<Partial<Record<(typeof files)[number], string | undefined>>>

/** Reads the counters of a cgroup in the unified tree. */
export async function readStatsV2(directory: string): Promise<CgroupStats> {
  const texts = await Promise.all(files.map(async (file) => [file, await readControl(directory, file)] as const))
  return parseStatsV2(Object.fromEntries(texts))
}

export function parseStatsV2(text: V2Files): CgroupStats {
  const pids = text['pids.current']
  const pidsLimit = limitOf(text['pids.max'])
  return {
    ...(text['memory.current'] === undefined ? {} : { memory: memoryOf(text, Number(text['memory.current'])) }),
    ...(text['cpu.stat'] === undefined ? {} : { cpu: cpuOf(text['cpu.stat']) }),
    ...(pids === undefined ? {} : { pids: { current: Number(pids), ...(pidsLimit === undefined ? {} : { limit: pidsLimit }) } }),
    ...(text['io.stat'] === undefined ? {} : { io: parseIoStat(text['io.stat']) }),
  }
}

function memoryOf(text: V2Files, usageBytes: number): CgroupMemory {
  const stats = parseFlatKeyed(text['memory.stat'])
  const count = (key: string): number => stats.get(key) ?? 0
  const limitBytes = limitOf(text['memory.max'])
  const swapLimitBytes = limitOf(text['memory.swap.max'])
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - count('inactive_file')),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(text['memory.peak'] === undefined ? {} : { peakBytes: Number(text['memory.peak']) }),
    rssBytes: count('anon'),
    cacheBytes: count('file'),
    ...(text['memory.swap.current'] === undefined ? {} : { swapBytes: Number(text['memory.swap.current']) }),
    ...(swapLimitBytes === undefined ? {} : { swapLimitBytes }),
    pageFaults: count('pgfault'),
    majorPageFaults: count('pgmajfault'),
    oomKills: parseFlatKeyed(text['memory.events']).get('oom_kill') ?? 0,
  }
}

function cpuOf(text: string): CgroupCpu {
  const stats = parseFlatKeyed(text)
  const ns = (key: string): number => (stats.get(key) ?? 0) * 1000
  return { usageNs: ns('usage_usec'), userNs: ns('user_usec'), systemNs: ns('system_usec'), throttledNs: ns('throttled_usec') }
}

/** Lines `8:0 rbytes=90112 wbytes=0 rios=22 …`, one for each device. */
export function parseIoStat(text: string): { readBytes: number; writeBytes: number } {
  const sum = (key: string): number =>
    [...text.matchAll(new RegExp(`\\b${key}=(\\d+)`, 'g'))].reduce((total, match) => total + Number(match[1]), 0)
  return { readBytes: sum('rbytes'), writeBytes: sum('wbytes') }
}

function limitOf(text: string | undefined): number | undefined {
  const value = text?.trim()
  return value === undefined || value === 'max' ? undefined : Number(value)
}
