import type { Bench, Row } from '../bench.ts'
import { makeModel } from '../bundles.ts'
import { command } from '../commands.ts'
import { loopDelays } from '../event-loop.ts'
import { floorOfMany } from '../floor.ts'
import { compare, severally, timed } from '../interleave.ts'
import type { Podman } from '../podman.ts'

const count = 50
const width = 8

/** Many at a time: each is created and started, and goes on running. */
export const parallel: Row = {
  name: 'parallel',
  when: ['crun'],
  async run(bench) {
    const { podman, options, signal } = bench
    const started: string[] = []
    const startAll = (): Promise<void> => severally(Array(count).fill(0), width, async () => void started.push(await startOne(bench)))
    const clear = (): Promise<void> => removeAll(bench, started)
    const ours = async (): Promise<number> => {
      const took = await timed(startAll)
      await clear()
      return took
    }
    const floor = floorOfMany(bench, await makeModel(bench, ['true']), count, width)
    const peer = podman && (() => startWithPodman(bench, podman))
    const compared = await compare(ours, { floor, podman: peer }, { rounds: Math.ceil(options.rounds / 6), signal })
    const loop = await loopDelays(startAll, signal, clear)
    const note = 'the floor is 50 lives, from create to delete'
    const what = `${count} times create + start, ${width} at a time`
    return [{ row: 'parallel', what, ...compared, goal: { atMostMs: 900 }, loop, note }]
  },
}

async function startOne({ runtime, base }: Bench): Promise<string> {
  const container = await runtime.containers.create({ ...base, command: ['sleep', '3600'] })
  await container.start()
  return container.id
}

async function removeAll({ runtime }: Bench, ids: string[]): Promise<void> {
  await severally(ids.splice(0), 4, async (id) => void (await runtime.containers.ref(id).remove({ force: true })))
}

async function startWithPodman({ signal }: Bench, { words, container }: Podman): Promise<number> {
  const start = async (): Promise<void> => void (await command([...words, 'run', '--detach', ...container, 'sleep', '3600'], { signal }))
  const took = await timed(() => severally(Array(count).fill(0), width, start))
  await command([...words, 'rm', '--all', '--force', '--time', '0'])
  return took
}
