import type { Row } from '../bench.ts'
import { makeModel } from '../bundles.ts'
import { loopDelays, times } from '../event-loop.ts'
import { bare, floorOf } from '../floor.ts'
import { compare, timed } from '../interleave.ts'

/** The life of a container that ends by itself at once, with no network. */
export const life: Row = {
  name: 'life',
  when: 'each',
  async run(bench) {
    const { runtime, base, podman, oci, options, signal } = bench
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
        goal: { atMost: oci.name === 'crun' ? 0.8 : 1.2, of: 'floor' },
        loop: await loopDelays(times(10, live), signal),
      },
    ]
  },
}
