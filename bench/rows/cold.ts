import { join } from 'node:path'
import { Runtime } from 'libpod-ts'
import type { Row } from '../bench.ts'
import { command } from '../commands.ts'
import { bare } from '../floor.ts'
import { compare } from '../interleave.ts'

/** What a fresh process does: import, open an existing root, check options for the first time. It tells the three times. */
const program = `
const [root, runRoot] = process.argv.slice(1)
const times = [performance.now()]
const { Runtime } = await import('libpod-ts')
times.push(performance.now())
const runtime = await Runtime.open({ root, runRoot })
times.push(performance.now())
await runtime.containers.create({ image: 5 }).then(() => process.exit(1), (error) => { if (error.code !== 'invalid-argument') throw error })
times.push(performance.now())
await runtime.close()
console.log(JSON.stringify(times.slice(1).map((time, i) => time - times[i])))
`

/** What a process pays once. */
export const cold: Row = {
  name: 'cold',
  when: 'once',
  async run(bench) {
    const { workspace, fast, options, signal } = bench
    const places = [join(workspace.disk, 'cold'), join(fast, 'cold')] as const
    // Made beforehand: what is asked for is an existing root.
    await (await Runtime.open({ root: places[0], runRoot: places[1] })).close()
    const samples: number[][] = [[], [], []]
    const fresh = async (): Promise<number> => {
      const args = ['--input-type=module', '--eval', program, ...places]
      const text = await command([process.execPath, ...args], { signal, cwd: join(import.meta.dirname, '../..') })
      const times = JSON.parse(text) as number[]
      for (const [i, time] of times.entries()) samples[i]?.push(time)
      return times.reduce((sum, time) => sum + time, 0)
    }
    const node = bare(bench, [process.execPath, '--eval', ''])
    const { others } = await compare(fresh, { 'node itself': node }, { rounds: options.rounds, signal })
    const [imported = [], opened = [], checked = []] = samples.map((all) => all.slice(1))
    return [
      { row: 'cold', what: "import 'libpod-ts'", ours: imported, others, goal: { atMostMs: 30 } },
      { row: 'cold', what: 'Runtime.open of an existing root', ours: opened, others: {}, goal: { atMostMs: 90 } },
      { row: 'cold', what: 'first validation', ours: checked, others: {}, goal: { atMostMs: 100 } },
    ]
  },
}
