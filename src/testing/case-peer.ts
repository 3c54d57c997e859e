import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Json } from '../state/state-store.ts'

/** Another process at work for a conformance case. @public */
export interface CasePeer {
  readonly pid: number
  /** Resolves when it has opened what is under test, and begins. */
  readonly started: Promise<void>
  /** What the job gave; rejects if it failed, or was killed. */
  readonly result: Promise<Json>
  /** Kills it at once, and resolves when it is gone. Idempotent. */
  kill(): Promise<void>
}

/** What {@link spawnCasePeer} starts. @public */
export interface SpawnCasePeerOptions {
  /** A program that calls {@link serveCasePeer}. */
  readonly program: string | URL
  /** For Node itself, as `['--import', 'tsx']`. */
  readonly nodeArgs?: readonly string[]
  /** For the program's own use: what is under test, and where it lies. */
  readonly args?: readonly string[]
  /** One of the jobs that come with the cases. */
  readonly job: string
  readonly input: Json
}

/** What another process can be asked to do with what is under test. @public */
export type CasePeerJobs<Subject> = Readonly<Record<string, (subject: Subject, input: Readonly<Record<string, Json>>) => Promise<Json>>>

/** Starts another process for a conformance case. Whoever starts it has to kill it. @public */
export function spawnCasePeer({ program, nodeArgs = [], args = [], job, input }: SpawnCasePeerOptions): CasePeer {
  const path = program instanceof URL ? fileURLToPath(program) : program
  const argv = [...nodeArgs, path, ...args, job, JSON.stringify(input)]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8')
  const closed = once(child, 'close')
  const started = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: string) => {
      output += text
      if (output.includes('\n')) resolve()
    })
    closed.then(() => reject(new Error(`The peer at ${job} ended before it began.`)), reject)
  })
  const result = closed.then(() => {
    if (child.exitCode !== 0) throw new Error(`The peer at ${job} ended with ${child.exitCode ?? child.signalCode}.`)
    return JSON.parse(output.slice(output.indexOf('\n') + 1)) as Json
  })
  // A case that kills its peer looks at neither.
  for (const promise of [closed, started, result]) promise.catch(() => {})
  return {
    pid: child.pid ?? 0,
    started,
    result,
    async kill() {
      child.kill('SIGKILL')
      await closed
    },
  }
}

/**
 * The other side of {@link spawnCasePeer}: opens what is under test, does the job, closes it, tells the result. `open` is given the
 * program's own arguments.
 *
 * @example The whole program of a store that lies in a file
 * ```ts
 * import { openLmdbStore } from 'libpod-ts/state/lmdb'
 * import { serveCasePeer, stateStorePeerJobs } from 'libpod-ts/testing'
 *
 * await serveCasePeer(stateStorePeerJobs, (path = '') => openLmdbStore({ path }), (store) => store.close())
 * ```
 *
 * @public
 */
export async function serveCasePeer<Subject>(
  jobs: CasePeerJobs<Subject>,
  open: (...args: readonly string[]) => Subject | Promise<Subject>,
  close?: (subject: Subject) => void | Promise<void>,
): Promise<void> {
  const args = process.argv.slice(2, -2)
  const [job = '', input = ''] = process.argv.slice(-2)
  const work = jobs[job]
  if (work === undefined) throw new Error(`There is no job ${JSON.stringify(job)}; there are ${Object.keys(jobs).join(', ')}.`)
  const subject = await open(...args)
  process.stdout.write('started\n')
  const result = await work(subject, JSON.parse(input) as Readonly<Record<string, Json>>)
  await close?.(subject)
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
