import type { AbortOptions } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { longestDelayMs } from '../base/longest-delay.ts'
import { verbOptions } from '../base/schema.ts'
import { sleep } from '../base/time.ts'
import { limitedCgroupOf } from '../containers/cgroup-of.ts'
import { type ContainerStats, sample } from '../containers/stats.ts'
import { isActive } from '../containers/status.ts'
import type { CgroupPaths } from '../linux/cgroups/paths.ts'
import { readPids } from '../linux/cgroups/processes.ts'
import { readStats } from '../linux/cgroups/stats.ts'
import { cgroupOfPod } from './cgroup-of.ts'
import { nothingRuns } from './lifecycle/nothing-runs.ts'
import type { PodsServices } from './services.ts'
import { everyone, type PodWithMembers, readPod } from './store.ts'

/** What a pod uses at one moment. @public */
export interface PodStats extends ContainerStats {
  /** Each of its containers that runs, the infra container among them. The pod's own numbers are of all together. */
  readonly containers: readonly PodContainerStats[]
}

/** What a container of a pod uses at one moment. @public */
export interface PodContainerStats extends ContainerStats {
  readonly id: string
  readonly name: string
}

/** Options of {@link Pod.stats}. @public */
export interface PodStatsOptions extends AbortOptions {
  /** How long between two samples, in milliseconds: 1,000 if not given. */
  readonly intervalMs?: number | undefined
}

const checkOptions = verbOptions<PodStatsOptions>((z) => ({ intervalMs: z.number().positive().max(longestDelayMs).optional() }))

interface Look {
  readonly at: bigint
  readonly cpuNs: number
}

/** Samples of what a pod uses, until nothing of it runs. */
export async function* podStats(services: PodsServices, id: string, options: PodStatsOptions = {}): AsyncGenerator<PodStats, void> {
  await checkOptions(options)
  const { intervalMs = 1000, signal } = options
  const { closer, facts } = services.containers
  const { memoryBytes } = await facts()
  const before = new Map<string, Look>()
  const look = async (key: string, cgroup: CgroupPaths): Promise<ContainerStats | undefined> => {
    const now = await readStats(cgroup)
    if (now === undefined) return undefined
    const [last, at, cpuNs] = [before.get(key), process.hrtime.bigint(), now.cpu?.usageNs ?? 0]
    before.set(key, { at, cpuNs })
    return sample(now, memoryBytes, last && { elapsedNs: Number(at - last.at), cpuNs: cpuNs - last.cpuNs })
  }
  for (let first = true; ; first = false) {
    const read = await readPod(services, id)
    const cgroup = await cgroupOfPod(services, read.pod)
    if (cgroup === undefined) throw noCgroup(read.pod)
    const total = await look(id, cgroup)
    // systemd keeps the slice of a pod of which nothing runs.
    if (total === undefined || (await readPids(cgroup)).length === 0 || closer.closed) {
      if (first) throw nothingRuns('stats', read.pod)
      return
    }
    yield { ...total, containers: await statsOfContainers(services, read, look) }
    await sleep(intervalMs, { signal })
  }
}

/** One sample, without waiting for a second: its CPU percentages are 0. */
export async function podStatsOnce(services: PodsServices, id: string, options: PodStatsOptions): Promise<PodStats> {
  for await (const stats of podStats(services, id, options)) return stats
  throw services.containers.closer.reason()
}

async function statsOfContainers(
  services: PodsServices,
  read: PodWithMembers,
  look: (key: string, cgroup: CgroupPaths) => Promise<ContainerStats | undefined>,
): Promise<PodContainerStats[]> {
  const active = everyone(read).filter(({ state }) => isActive(state.status))
  const all = await Promise.all(
    active.map(async (container): Promise<PodContainerStats[]> => {
      const stats = await look(container.id, await limitedCgroupOf(services.containers, container, 'stats'))
      return stats === undefined ? [] : [{ id: container.id, name: container.name, ...stats }]
    }),
  )
  return all.flat()
}

function noCgroup({ name }: PodWithMembers['pod']): LibpodError<'unsupported'> {
  return new LibpodError(
    'unsupported',
    `Cannot tell what pod ${name} uses: it has no cgroup of its own, as pods without root have none on this host.`,
    { what: 'stats' },
    { hint: 'It takes cgroup v2 and a login session of systemd, or root.' },
  )
}
