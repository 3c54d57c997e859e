import { join } from 'node:path'
import type { Bench } from './bench.ts'
import { copyModel, type Model } from './bundles.ts'
import { command } from './commands.ts'
import type { Lane } from './interleave.ts'

/** Where the floor's and the bare runtime's containers have their state. */
export function bareRuntimeRoot({ fast }: Pick<Bench, 'fast'>): string {
  return join(fast, 'runtime')
}

/** The floor of a container's life. */
export function floorOf(bench: Bench, model: Model): Lane {
  const bundle = join(bench.fast, 'floor-bundle')
  copyModel(bench, model, bundle)
  return () => floor(bench, bundle, [1])
}

/** The floor of many lives, some at a time; each lane has a bundle of its own, for two containers cannot have one cgroup. */
export function floorOfMany(bench: Bench, model: Model, count: number, width: number): Lane {
  const stem = join(bench.fast, 'lanes')
  for (let lane = 0; lane < width; lane++) copyModel(bench, model, `${stem}-${lane}`)
  return () => floor(bench, stem, [count, width])
}

async function floor(bench: Bench, bundle: string, counts: readonly number[]): Promise<number> {
  const { workspace, oci, conmon, inside, fast, signal } = bench
  const args = [oci.path, bareRuntimeRoot(bench), conmon, bundle, join(fast, 'floor'), ...counts.map(String)]
  return Number(await command([...inside, workspace.floor, ...args], { signal }))
}

/** The time of a program by itself. */
export function bare({ workspace, signal }: Bench, words: readonly string[]): Lane {
  return async () => Number(await command([workspace.bare, '1', ...words], { signal }))
}

/** `run` of the bare runtime, from beginning to end. */
export function bareRun(bench: Bench, model: Model): Lane {
  const bundle = join(bench.fast, 'run-bundle')
  copyModel(bench, model, bundle)
  return bare(bench, [bench.oci.path, '--root', bareRuntimeRoot(bench), 'run', '--bundle', bundle, 'bench-run'])
}
