import type { CreateContainerOptions } from 'libpod-ts'
import type { Row } from '../bench.ts'
import { loopDelays, times } from '../event-loop.ts'
import { bare } from '../floor.ts'
import { compare, timed } from '../interleave.ts'

/** The life of a container in the default network, with a published port. */
export const bridge: Row = {
  name: 'bridge',
  when: 'once',
  async run(bench) {
    const { runtime, base, podman, options, signal } = bench
    if ((await runtime.info()).network.backend === 'none') return []
    const live = async (more: Pick<CreateContainerOptions, 'network' | 'ports'>): Promise<void> => {
      const container = await runtime.containers.create({ ...base, ...more, command: ['true'] })
      await container.start()
      await container.wait()
      await container.remove()
    }
    const connected = (): Promise<void> => live({ network: 'private', ports: [{ container: 80 }] })
    const others = {
      'no network': () => timed(() => live({})),
      podman: podman && bare(bench, [...podman.words, 'run', '--rm', ...podman.connected, 'true']),
    }
    return [
      {
        row: 'bridge',
        what: 'the same in a network, with a port',
        ...(await compare(() => timed(connected), others, { rounds: Math.ceil(options.rounds / 2), signal })),
        loop: await loopDelays(times(5, connected), signal),
        note: 'what it takes longer is the setup by netavark; its teardown, which takes longer still, nobody waits for',
      },
    ]
  },
}
