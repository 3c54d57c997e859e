import type { Row } from '../bench.ts'
import { command } from '../commands.ts'
import { loopDelays, times } from '../event-loop.ts'
import { bare } from '../floor.ts'
import { compare, timed } from '../interleave.ts'

/** Creating alone: options checked, record committed, snapshot prepared. */
export const create: Row = {
  name: 'create',
  when: 'once',
  async run(bench) {
    const { runtime, base, podman, options, signal } = bench
    const made: string[] = []
    const createOne = async (): Promise<void> => {
      made.push((await runtime.containers.create({ ...base, command: ['true'] })).id)
    }
    const peer = podman && bare(bench, [...podman.words, 'create', ...podman.container, 'true'])
    const compared = await compare(() => timed(createOne), { podman: peer }, { rounds: options.rounds, signal })
    const loop = await loopDelays(times(20, createOne), signal)
    for (const id of made) await runtime.containers.ref(id).remove()
    if (podman) await command([...podman.words, 'rm', '--all'])
    return [{ row: 'create', what: 'create only', ...compared, goal: { atMostMs: 4 }, loop }]
  },
}
