import type { Row } from '../bench.ts'
import { makeModel } from '../bundles.ts'
import { loopDelays, times } from '../event-loop.ts'
import { bare, floorOf } from '../floor.ts'
import { compare, timed } from '../interleave.ts'

const goals = { runc: 1.2, crun: 0.8, rootless: 1.3 } as const

/** The life of a container that ends by itself at once, with no network. */
export const life: Row = {
  name: 'life',
  when: ['runc', 'crun', 'rootless'],
  async run(bench) {
    const { runtime, base, podman, view, options, signal } = bench
    const live = async (): Promise<void> => {
      const container = await runtime.containers.create({ ...base, command: ['true'] })
      await container.start()
      await container.wait()
      await container.remove()
    }
    const floor = floorOf(bench, await makeModel(bench, ['true']))
    const peer = podman && bare(bench, [...podman.words, 'run', '--rm', ...podman.container, 'true'])
    return [
      {
        row: 'life',
        what: 'create + start + wait + remove',
        ...(await compare(() => timed(live), { floor, podman: peer }, { rounds: options.rounds, signal })),
        goal: { atMost: goals[view], of: 'floor' },
        loop: await loopDelays(times(10, live), signal),
      },
    ]
  },
}
