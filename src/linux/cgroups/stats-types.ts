/** What a cgroup uses now, and has used since it was made. What its trees do not count is left out. */
export interface CgroupStats {
  readonly memory?: CgroupMemory
  readonly cpu?: CgroupCpu
  readonly pids?: { readonly current: number; readonly limit?: number }
  /** Bytes that went to and came from block devices. */
  readonly io?: { readonly readBytes: number; readonly writeBytes: number }
}

export interface CgroupMemory {
  /** All memory charged to the cgroup, with its file cache. */
  readonly usageBytes: number
  /** {@link usageBytes} without the file cache that can be dropped at once: what Podman shows, and what the CRI calls the working set. */
  readonly workingSetBytes: number
  /** Absent when there is none. */
  readonly limitBytes?: number
  readonly peakBytes?: number
  readonly rssBytes: number
  readonly cacheBytes: number
  readonly swapBytes?: number
  readonly swapLimitBytes?: number
  readonly pageFaults: number
  readonly majorPageFaults: number
  /** How often the kernel killed a process in it for want of memory. */
  readonly oomKills: number
}

export interface CgroupCpu {
  readonly usageNs: number
  readonly userNs: number
  readonly systemNs: number
  /** Time for which it was held back by its quota. */
  readonly throttledNs: number
}
