import type { Row } from '../bench.ts'
import { makeModel } from '../bundles.ts'
import { loopDelays, times } from '../event-loop.ts'
import { floorOf } from '../floor.ts'
import { compare, timed } from '../interleave.ts'

const members = 3

/** The life of a pod: its infra container, and three that end by themselves at once. */
export const pod: Row = {
  name: 'pod',
  when: ['runc', 'crun'],
  async run(bench) {
    const { runtime, base, options, signal } = bench
    const { network, ...member } = base
    const live = async (): Promise<void> => {
      const made = await runtime.pods.create({ network })
      for (let at = 0; at < members; at++) await runtime.containers.create({ ...member, pod: made.id, command: ['true'] })
      await made.start()
      for (const { id, infra } of await made.containers()) if (!infra) await runtime.containers.ref(id).wait()
      await made.remove({ force: true })
    }
    const floor = floorOf(bench, await makeModel(bench, ['true']))
    const floors = async (): Promise<number> => {
      let took = 0
      for (let at = 0; at <= members; at++) took += await floor()
      return took
    }
    return [
      {
        row: 'pod',
        what: `a pod of ${members}, with its infra container`,
        ...(await compare(() => timed(live), { '4 floors': floors }, { rounds: Math.ceil(options.rounds / 2), signal })),
        goal: { atMost: 1.5, of: '4 floors' },
        loop: await loopDelays(times(5, live), signal),
      },
    ]
  },
}
