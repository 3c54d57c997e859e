import { freemem } from 'node:os'
import type { Container } from 'libpod-ts'
import type { Bench, Row } from '../bench.ts'
import { makeModel } from '../bundles.ts'
import { loopDelays } from '../event-loop.ts'
import { floorOf } from '../floor.ts'
import { severally, timed } from '../interleave.ts'
import { median } from '../statistics.ts'

const few = 10
/** What a container with its monitor takes at the most, in user space and in the kernel. */
const containerBytes = 8 << 20

/** Whether a start costs more when many containers run: beside ten, beside a thousand, and beside ten once more. */
export const many: Row = {
  name: 'many',
  when: ['crun'],
  async run(bench) {
    const { options, signal, say } = bench
    const running: Container[] = []
    await fill(bench, running, few - 1)
    const before = await startSome(bench)
    const floor = floorOf(bench, await makeModel(bench, ['true']))
    const floorBefore = await medianOf(options.rounds, floor)
    const count = Math.min(options.many, Math.floor(freemem() / containerBytes))
    say(`fills up to ${count} running containers`)
    await fill(bench, running, count - 1)
    const ours = await startSome(bench)
    const floorBeside = await medianOf(options.rounds, floor)
    const probes: Container[] = []
    const loop = await loopDelays(
      async () => void probes.push(await start(bench)),
      signal,
      () => empty(probes, 0),
    )
    say('removes them')
    await empty(running, few - 1)
    const after = await startSome(bench)
    await empty(running, 0)
    const what = `start of container number ${count.toLocaleString('en')}`
    const name = `number ${few}`
    const grown = `${floorBefore.toFixed(1)} ms beside ${few - 1}, ${floorBeside.toFixed(1)} beside all`
    const note = `the floor of a life, conmon and runtime alone: ${grown}`
    return [{ row: 'many', what, ours, others: { [name]: [...before, ...after] }, goal: { atMost: 1.2, of: name }, loop, note }]
  },
}

async function medianOf(rounds: number, lane: () => Promise<number>): Promise<number> {
  const samples: number[] = []
  for (let round = 0; round < rounds; round++) samples.push(await lane())
  return median(samples)
}

async function start({ runtime, base }: Bench): Promise<Container> {
  const container = await runtime.containers.create({ ...base, command: ['sleep', '3600'] })
  await container.start()
  return container
}

async function fill(bench: Bench, running: Container[], count: number): Promise<void> {
  await severally(Array(Math.max(0, count - running.length)).fill(0), 4, async () => {
    bench.signal.throwIfAborted()
    running.push(await start(bench))
  })
}

async function empty(running: Container[], left: number): Promise<void> {
  await severally(running.splice(left), 4, async (container) => void (await container.remove({ force: true })))
}

async function startSome({ runtime, base, options, signal }: Bench): Promise<number[]> {
  const samples: number[] = []
  for (let round = -1; round < options.rounds; round++) {
    signal.throwIfAborted()
    const container = await runtime.containers.create({ ...base, command: ['sleep', '3600'] })
    const took = await timed(() => container.start())
    if (round >= 0) samples.push(took)
    await container.remove({ force: true })
  }
  return samples
}
