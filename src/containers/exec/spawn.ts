import type { Readable, Writable } from 'node:stream'
import { type AbortOptions, onAbort } from '../../base/abort.ts'
import type { TerminalSize } from '../../linux/pty.ts'
import { parseSignal } from '../../linux/signals.ts'
import { checkTerminalSize } from '../check-terminal-size.ts'
import type { ContainersServices } from '../services.ts'
import { endedByClosing } from '../while-closing.ts'
import { type PreparedExec, prepareExec } from './begin.ts'
import { checkExec, type SpawnOptions } from './options.ts'
import { type StartedExec, startPiped, startTerminal } from './streams.ts'

/**
 * A program running in a container, with streams. Disposing of it kills the program.
 *
 * @public
 */
export interface ExecSession extends AsyncDisposable {
  /** Its stdin; absent without `stdin: true` (or `tty`). */
  readonly stdin?: Writable
  /** Its stdout; with `tty` everything it writes. */
  readonly stdout: Readable
  readonly stderr: Readable
  /** Waits for its end. */
  wait(): Promise<{ readonly exitCode: number }>
  /** Sends it a signal; SIGKILL if not given. */
  kill(signal?: string | number): Promise<void>
  /** Resizes its terminal. */
  resize(size: { readonly rows: number; readonly columns: number }): Promise<void>
}

/** What a terminal has of whom nobody says how large it is. */
const usualSize: TerminalSize = { rows: 24, columns: 80 }

/** Starts a program in a running container and gives its streams. */
export async function spawnInContainer(
  services: ContainersServices,
  id: string,
  command: readonly string[],
  options: SpawnOptions = {},
): Promise<ExecSession> {
  await checkExec('spawn', command, options)
  const start = (inner: ContainersServices, own: SpawnOptions): Promise<ExecSession> => startSession(inner, id, command, own)
  return endedByClosing(services, options, start, async (session) => session[Symbol.asyncDispose]())
}

async function startSession(
  services: ContainersServices,
  id: string,
  command: readonly string[],
  options: SpawnOptions,
): Promise<ExecSession> {
  options.signal?.throwIfAborted()
  const { tty, ...rest } = options
  const terminal = tty === undefined || tty === false ? undefined : tty === true ? usualSize : tty
  const prepared = await prepareExec(services, id, command, { ...rest, terminal })
  let started: StartedExec
  try {
    started = terminal ? await startTerminal(prepared, terminal) : await startPiped(prepared, { hasStdin: options.stdin === true })
  } catch (error) {
    await prepared.finish(undefined)
    // What it failed with is then only what became of that.
    options.signal?.throwIfAborted()
    throw error
  }
  const session = sessionOf(services, prepared, { ...started, isTerminal: terminal !== undefined, signal: options.signal })
  if (options.signal?.aborted) {
    await session[Symbol.asyncDispose]()
    throw options.signal.reason
  }
  return session
}

interface SessionParts extends StartedExec, AbortOptions {
  readonly isTerminal: boolean
}

function sessionOf(services: ContainersServices, prepared: PreparedExec, { exec, streams, isTerminal, signal }: SessionParts): ExecSession {
  const { stdin, stdout, stderr, owned, resize } = streams
  const kill = async (number: string | number = 'SIGKILL'): Promise<void> => exec.kill(parseSignal(number, 'signal'))
  const release = onAbort(signal, () => void kill().catch(() => {}))
  let isRunning = true
  const ended = exec.exited.finally(() => {
    isRunning = false
    release()
  })
  const exited = ended.then(
    async (exitCode) => {
      await prepared.finish(exitCode)
      return { exitCode }
    },
    async (error: unknown) => {
      await prepared.finish(undefined)
      throw error
    },
  )
  exited.catch(() => {})
  const end = async (isOver: (stream: Readable | Writable) => boolean): Promise<void> => {
    if (isRunning) await kill()
    await exited.catch(() => {})
    for (const stream of owned) if (isOver(stream)) stream.destroy()
  }
  // Who reads comes to the end of a pipe; what nobody reads holds its descriptor until then, and nobody may come to read it.
  const unregister = services.ephemerals.add(() => end((stream) => isTerminal || !isRead(stream)))
  void Promise.allSettled([exited, ...owned.map(closed)]).then(unregister)
  return {
    ...(stdin === undefined ? {} : { stdin }),
    stdout,
    stderr,
    async wait() {
      const result = await exited
      signal?.throwIfAborted()
      return result
    },
    kill,
    async resize(size) {
      checkTerminalSize(size)
      resize(size)
    },
    async [Symbol.asyncDispose]() {
      await end(() => true)
      stderr.destroy()
    },
  }
}

function isRead(stream: Readable | Writable): boolean {
  return stream.listenerCount('data') + stream.listenerCount('readable') > 0
}

async function closed(stream: Readable | Writable): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => void stream.once('close', resolve))
}
