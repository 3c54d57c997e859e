/**
 * Measures what the engine takes, against the floor that the kernel and the OCI runtimes set and against Podman, and says
 * whether the goals are met. Must run as root, on a machine that does little else.
 *
 *     npm run bench -- --help
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { type BenchOptions, parseArguments, usage } from './arguments.ts'
import { pathOf } from './commands.ts'
import { type Order, type Report, rowsOf } from './measure.ts'
import type { Result } from './result.ts'
import { rows } from './rows/index.ts'
import { summarize } from './statistics.ts'
import { judge, loopGoalMs, table } from './table.ts'
import { type View, views } from './views.ts'
import { makeWorkspace, removeWorkspace } from './workspace.ts'

/** What was measured in one view of the machine. */
interface Measured {
  readonly title: string
  readonly results: readonly Result[]
}

// Where Node is told of more certificates it reads all it has when it starts, and at the same time as what is measured then.
delete process.env['NODE_EXTRA_CA_CERTS']

// A Ctrl-C goes to the process that measures as well: it cleans up, and then this one does.
let interrupted = false
let forward: (signal: NodeJS.Signals) => void = () => {}
process.on('SIGINT', () => {
  interrupted = true
})
process.on('SIGTERM', (signal) => {
  interrupted = true
  forward(signal)
})

try {
  const options = parseArguments(
    process.argv.slice(2),
    rows.map(({ name }) => name),
  )
  if (options === 'help') process.stdout.write(usage)
  else await main(options)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function main(options: BenchOptions): Promise<void> {
  const workspace = await makeWorkspace()
  const measured: Measured[] = []
  try {
    for (const view of views()) {
      if (interrupted) break
      const order = { options, view: view.name, ociRuntime: view.runtime, first: measured.length === 0 }
      if (rowsOf(order).length === 0) continue
      if ((await pathOf(view.runtime)) === undefined) console.error(`${view.runtime} is not installed`)
      else measured.push(await measureIn(view, { ...order, workspace: workspace.disk }))
    }
  } finally {
    await removeWorkspace(workspace)
  }
  for (const { title, results } of measured) if (results.length > 0) console.log(`\n${title}\n\n${table(results)}`)
  if (interrupted) {
    process.exitCode = 130
    return
  }
  console.log(`\nMilliseconds: median (10th-90th percentile). Event loop: the longest standstill, at most ${loopGoalMs}.`)
  if (options.json !== undefined) writeFileSync(options.json, json(measured))
}

/** Starts the process that measures, in this view of the machine, and collects its results. */
async function measureIn({ title, prefix, execArgv = [] }: View, order: Order): Promise<Measured> {
  console.error(title)
  const [program = '', ...args] = [
    ...prefix,
    process.execPath,
    ...execArgv,
    ...process.execArgv,
    join(import.meta.dirname, 'measure-main.ts'),
  ]
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  forward = (signal) => void child.kill(signal)
  const results: Result[] = []
  let versions = ''
  child.on('message', (report: Report) => {
    if (report.type === 'result') results.push(report.result)
    else if (report.type === 'opened') versions = ` (${report.versions})`
    else {
      process.exitCode = 1
      console.error(report.message)
    }
  })
  child.send(order)
  await once(child, 'close')
  return { title: `${title}${versions}`, results }
}

function json(measured: readonly Measured[]): string {
  const host = { date: new Date().toISOString(), kernel: release(), node: process.version, cpus: cpus().map(({ model }) => model) }
  const described = measured.map(({ title, results }) => ({
    title,
    results: results.map((result) => ({ ...result, ...judge(result), summary: summarize(result.ours) })),
  }))
  return `${JSON.stringify({ ...host, measured: described }, undefined, 2)}\n`
}
