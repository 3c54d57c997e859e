import type { CgroupPaths } from './paths.ts'
import type { CgroupStats } from './stats-types.ts'
import { readStatsV1 } from './stats-v1.ts'
import { readStatsV2 } from './stats-v2.ts'

/** Reads the counters of a cgroup. `undefined` when there is no such cgroup. */
export async function readStats(paths: CgroupPaths): Promise<CgroupStats | undefined> {
  const [v1, v2] = await Promise.all([readStatsV1(paths.v1), paths.unified === undefined ? {} : readStatsV2(paths.unified)])
  const stats = { ...v2, ...v1 }
  return Object.keys(stats).length === 0 ? undefined : stats
}
