import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** In how many runs it is looked at. */
const runs = 5

/**
 * How long, at the most, the event loop of this process stands still while the work is done: in each run the longest delay, less
 * the longest of an idle run of the same length just before it. `after` clears up, unwatched.
 */
export async function loopDelays(
  work: () => Promise<unknown>,
  signal: AbortSignal,
  after: () => Promise<unknown> = async () => {},
): Promise<number[]> {
  const delays: number[] = []
  let idleMs = 200
  for (let run = 0; run < runs; run++) {
    signal.throwIfAborted()
    const idle = await longestDelay(() => sleep(idleMs))
    const begin = performance.now()
    const busy = await longestDelay(work)
    idleMs = performance.now() - begin
    await after()
    delays.push(Math.max(0, busy - idle))
  }
  return delays
}

/** The same for a single run that may take long. */
export async function loopDelay(work: () => Promise<unknown>): Promise<number> {
  const idle = await longestDelay(() => sleep(1000))
  return Math.max(0, (await longestDelay(work)) - idle)
}

async function longestDelay(work: () => Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  // Its first interval is the time it takes to begin.
  await sleep(5)
  histogram.reset()
  await work()
  // A delay is counted when it is over.
  await sleep(3)
  histogram.disable()
  return histogram.max / 1e6
}

/** Does something several times, one after the other. */
export function times(count: number, work: () => Promise<unknown>): () => Promise<void> {
  return async () => {
    for (let i = 0; i < count; i++) await work()
  }
}
