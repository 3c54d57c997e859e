import { type AbortOptions, onAbort } from '../../base/abort.ts'
import { LibpodError } from '../../base/errors.ts'
import { libc } from '../native/libc.ts'
import { type Collector, collect, makePipe, writeAll } from '../pipe.ts'
import type { ExitStatus } from './exit-status.ts'
import { type SpawnedProcess, spawnProcess } from './spawn.ts'

/** What {@link runProgram} is told. */
export interface RunProgramOptions extends AbortOptions {
  /** The program's path. */
  readonly file: string
  readonly args: readonly string[]
  /** The whole environment: nothing is added. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What it reads from its stdin; nothing if not given. */
  readonly input?: Uint8Array | string
  /** Kills it after so long. */
  readonly timeoutMs?: number
  /** So much of stdout, and of stderr, is kept: 16 MiB if not given. */
  readonly maxOutputBytes?: number
  /** A descriptor of ours that becomes its descriptor 3. */
  readonly stdio3?: number
}

/** How a program ended, and what it wrote. */
export interface ProgramResult extends ExitStatus {
  readonly stdout: Buffer
  readonly stderr: Buffer
  /** It was killed because it took too long. */
  readonly timedOut: boolean
  /** It wrote more than was kept. */
  readonly truncated: boolean
}

const defaultMaxOutputBytes = 16 * 1024 * 1024
const SIGKILL = 9

/**
 * Runs a program to its end and collects its output. A code other than 0 is a result (see {@link commandFailed}). It ends when the
 * program ends, even if others that it started still hold its output. An abort or a timeout kills it and all in its process group.
 */
export async function runProgram(options: RunProgramOptions): Promise<ProgramResult> {
  const { signal, timeoutMs, maxOutputBytes = defaultMaxOutputBytes } = options
  signal?.throwIfAborted()
  const { child, outputs, fed } = start(options, maxOutputBytes)
  let timedOut = false
  const release = onAbort(signal, () => killGroup(child))
  const expire = (): void => {
    timedOut = true
    killGroup(child)
  }
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs)
  try {
    const status = await child.exited
    for (const output of outputs) output.finish()
    const [stdout, stderr] = await Promise.all([outputs[0].done, outputs[1].done])
    fed?.abort()
    signal?.throwIfAborted()
    return { ...status, stdout: stdout.data, stderr: stderr.data, timedOut, truncated: stdout.truncated || stderr.truncated }
  } finally {
    clearTimeout(timer)
    release()
  }
}

/** The error of a program that failed, with what it said. */
export function commandFailed(
  argv: readonly string[],
  result: Pick<ProgramResult, 'code' | 'signal' | 'stderr'>,
): LibpodError<'command-failed'> {
  const stderr = result.stderr.toString().trim()
  const how = result.signal === null ? `failed with exit code ${result.code}` : `was ended by ${result.signal}`
  const said =
    stderr === '' ? 'It wrote nothing to stderr.' : `It wrote: ${stderr.length > longest ? `… ${stderr.slice(-longest)}` : stderr}`
  return new LibpodError('command-failed', `${argv.join(' ')} ${how}. ${said}`, {
    argv,
    exitCode: result.code,
    stderr,
    ...(result.signal === null ? {} : { signal: result.signal }),
  })
}

/** So much of stderr is shown in a message; the details have it all. */
const longest = 2000

interface Started {
  readonly child: SpawnedProcess
  readonly outputs: readonly [Collector, Collector]
  /** Gives up writing the input. */
  readonly fed: AbortController | undefined
}

function start({ file, args, env, cwd, input, stdio3 }: RunProgramOptions, max: number): Started {
  const stdin = input === undefined ? undefined : makePipe()
  const stdout = makePipe()
  const stderr = makePipe()
  const theirs = [stdin?.read, stdout.write, stderr.write].filter((fd) => fd !== undefined)
  let child: SpawnedProcess
  try {
    const stdio = [stdin?.read ?? ('ignore' as const), stdout.write, stderr.write, ...(stdio3 === undefined ? [] : [stdio3])]
    child = spawnProcess({ file, args, env, stdio, processGroup: true, ...(cwd === undefined ? {} : { cwd }) })
  } catch (error) {
    for (const fd of [stdin?.write, stdout.read, stderr.read]) if (fd !== undefined) libc().close(fd)
    throw error
  } finally {
    for (const fd of theirs) libc().close(fd)
  }
  const outputs = [collect(stdout.read, { max }), collect(stderr.read, { max })] as const
  if (stdin === undefined || input === undefined) return { child, outputs, fed: undefined }
  const fed = new AbortController()
  // What goes wrong with its input a program shows by its own end.
  writeAll(stdin.write, input, { signal: fed.signal }).catch(() => {})
  return { child, outputs, fed }
}

/** As long as the child is not reaped, its number is its group's and nobody else's. */
function killGroup(child: SpawnedProcess): void {
  if (child.pidfd < 0) return
  try {
    libc().kill(-child.pid, SIGKILL)
  } catch {
    child.kill(SIGKILL)
  }
}
