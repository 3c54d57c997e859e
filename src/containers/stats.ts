import type { AbortOptions } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { longestDelayMs } from '../base/longest-delay.ts'
import { verbOptions } from '../base/schema.ts'
import { sleep } from '../base/time.ts'
import { readStats } from '../linux/cgroups/stats.ts'
import type { CgroupStats } from '../linux/cgroups/stats-types.ts'
import { limitedCgroupOf } from './cgroup-of.ts'
import type { ContainersServices } from './services.ts'
import { checkStatus, isActive } from './status.ts'
import { requireRecord } from './store.ts'

/** What a container uses at one moment. @public */
export interface ContainerStats {
  /** RFC 3339. */
  readonly time: string
  readonly cpu: {
    /** Since the container was started. */
    readonly totalNs: number
    readonly userNs: number
    readonly systemNs: number
    /** Since the sample before, of one CPU: 200 are two full CPUs. 0 in the first sample. */
    readonly percent: number
  }
  readonly memory: {
    /** Without the file cache that can be given back at once, as Podman and Docker count. */
    readonly usedBytes: number
    /** What the container may use; the machine's memory where it has no limit. */
    readonly limitBytes: number
    readonly percent: number
  }
  readonly pids: { readonly current: number; readonly limit: number | null }
  readonly blockIo: { readonly readBytes: number; readonly writtenBytes: number }
}

/** Options of {@link Container.stats}. @public */
export interface ContainerStatsOptions extends AbortOptions {
  /** How long between two samples, in milliseconds: 1,000 if not given. */
  readonly intervalMs?: number | undefined
}

const checkOptions = verbOptions<ContainerStatsOptions>((z) => ({ intervalMs: z.number().positive().max(longestDelayMs).optional() }))

/** Samples of what a container uses, until it ends. */
export async function* containerStats(
  services: ContainersServices,
  id: string,
  options: ContainerStatsOptions = {},
): AsyncGenerator<ContainerStats, void> {
  await checkOptions(options)
  const { intervalMs = 1000, signal } = options
  const record = await requireRecord(services, id)
  checkStatus('stats', record)
  const { memoryBytes } = await services.facts()
  let before: { readonly at: bigint; readonly cpuNs: number } | undefined
  for (;;) {
    const cgroup = await limitedCgroupOf(services, record, 'stats')
    const now = await readStats(cgroup)
    if (now === undefined) return
    const at = process.hrtime.bigint()
    yield sample(now, memoryBytes, before && { elapsedNs: Number(at - before.at), cpuNs: (now.cpu?.usageNs ?? 0) - before.cpuNs })
    before = { at, cpuNs: now.cpu?.usageNs ?? 0 }
    await sleep(intervalMs, { signal })
    const { state } = await requireRecord(services, id).catch(() => record)
    if (services.closer.closed || !isActive(state.status)) return
  }
}

/** One sample, without waiting for a second: its CPU percentage is 0. */
export async function containerStatsOnce(
  services: ContainersServices,
  id: string,
  options: ContainerStatsOptions,
): Promise<ContainerStats> {
  for await (const stats of containerStats(services, id, options)) return stats
  throw new LibpodError('invalid-state', 'The container has ended.', {
    kind: 'container',
    ref: id,
    state: 'exited',
    allowed: ['running'],
    verb: 'stats',
  })
}

/** A look at a cgroup as numbers; `since` is what was seen the last time. */
export function sample(
  now: CgroupStats,
  machineBytes: number,
  since: { readonly elapsedNs: number; readonly cpuNs: number } | undefined,
): ContainerStats {
  const { memory, cpu, pids, io } = now
  const limitBytes = Math.min(memory?.limitBytes ?? machineBytes, machineBytes)
  const usedBytes = memory?.workingSetBytes ?? 0
  return {
    time: new Date().toISOString(),
    cpu: {
      totalNs: cpu?.usageNs ?? 0,
      userNs: cpu?.userNs ?? 0,
      systemNs: cpu?.systemNs ?? 0,
      percent: since === undefined || since.elapsedNs <= 0 ? 0 : (100 * since.cpuNs) / since.elapsedNs,
    },
    memory: { usedBytes, limitBytes, percent: (100 * usedBytes) / limitBytes },
    pids: { current: pids?.current ?? 0, limit: pids?.limit ?? null },
    blockIo: { readBytes: io?.readBytes ?? 0, writtenBytes: io?.writeBytes ?? 0 },
  }
}
