import { command } from './commands.ts'

/** A way to do the work once; it tells how long that took, in milliseconds. */
export type Lane = () => Promise<number>

/** How long a piece of work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return performance.now() - begin
}

/**
 * The same work on a disk that has nothing left to write. What a lane of much data leaves in memory, the kernel would have the next one wait
 * for; and nothing is removed in between, because that slows what comes next.
 */
export function onQuietDisk(lane: Lane): Lane {
  return async () => {
    await command(['sync'])
    return lane()
  }
}

/** How long it took us, and others, in each round. */
export interface Compared {
  readonly ours: number[]
  readonly others: Record<string, number[]>
}

/**
 * Does the work in our way and in that of others, in turn, round by round, so that what disturbs the machine hits all of
 * them. Each leaves something behind for the next, files to remove and programs that are just ending: so the order turns with the
 * rounds, now one way round and now the other, that nobody always comes after the same. A first round warms up and does not count. Others
 * that are not there are `undefined`.
 */
export async function compare(
  ours: Lane,
  others: Readonly<Record<string, Lane | undefined>>,
  { rounds, signal }: { readonly rounds: number; readonly signal: AbortSignal },
): Promise<Compared> {
  const compared: Compared = { ours: [], others: {} }
  const lanes = [{ lane: ours, samples: compared.ours }]
  for (const [name, lane] of Object.entries(others)) {
    if (lane === undefined) continue
    const samples: number[] = []
    compared.others[name] = samples
    lanes.push({ lane, samples })
  }
  for (let round = 0; round <= rounds; round++) {
    const turned = [...lanes.slice(round % lanes.length), ...lanes.slice(0, round % lanes.length)]
    if (Math.floor(round / lanes.length) % 2 === 1) turned.reverse()
    for (const { lane, samples } of turned) {
      signal.throwIfAborted()
      const took = await lane()
      if (round > 0) samples.push(took)
    }
  }
  return compared
}

/** Does the work for each of the items, some at a time. */
export async function severally<Item>(items: readonly Item[], width: number, work: (item: Item) => Promise<void>): Promise<void> {
  const rest = items.values()
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of rest) await work(item)
    }),
  )
}
