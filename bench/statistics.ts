/** Times in milliseconds, summed up. */
export interface Summary {
  readonly median: number
  /** The tenth and the ninetieth percentile: of a hundred times, the ten best and the ten worst lie outside. */
  readonly p10: number
  readonly p90: number
  readonly count: number
}

export function summarize(samples: readonly number[]): Summary {
  const sorted = [...samples].sort((a, b) => a - b)
  return { median: percentile(sorted, 0.5), p10: percentile(sorted, 0.1), p90: percentile(sorted, 0.9), count: sorted.length }
}

export function median(samples: readonly number[]): number {
  return summarize(samples).median
}

/** Between two neighbours it is in proportion. */
function percentile(sorted: readonly number[], part: number): number {
  const at = part * (sorted.length - 1)
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? below
  return below + (above - below) * (at - Math.floor(at))
}
