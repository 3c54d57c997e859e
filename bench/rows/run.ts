import type { Row } from '../bench.ts'
import { makeModel } from '../bundles.ts'
import { loopDelays, times } from '../event-loop.ts'
import { bareRun } from '../floor.ts'
import { compare, timed } from '../interleave.ts'
import type { Result } from '../result.ts'

/** Throwaway containers: run to completion, and gone when they end. */
export const run: Row = {
  name: 'run',
  when: ['runc', 'crun'],
  async run(bench) {
    const { runtime, base, oci, options, signal } = bench
    const runOne = async (): Promise<void> => {
      const { exitCode } = await runtime.containers.run({ ...base, command: ['true'] })
      if (exitCode !== 0) throw new Error(`run ended with ${exitCode}.`)
    }
    const ephemeral = async (): Promise<void> => {
      await using container = await runtime.containers.ephemeral({ ...base, command: ['true'] })
      await container.wait({ condition: 'removed' })
    }
    const name = `${oci.name} run`
    const others = { [name]: bareRun(bench, await makeModel(bench, ['true'])) }
    const goal = { atMost: oci.name === 'crun' ? 0.8 : 1.25, of: name }
    const measure = async (what: string, work: () => Promise<void>): Promise<Result> => ({
      row: 'run',
      what,
      ...(await compare(() => timed(work), others, { rounds: options.rounds, signal })),
      goal,
      loop: await loopDelays(times(10, work), signal),
    })
    return [await measure('containers.run()', runOne), await measure('ephemeral() to removal', ephemeral)]
  },
}
