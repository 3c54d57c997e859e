import { closeSync, openSync } from 'node:fs'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { onAbort } from '../../base/abort.ts'
import { LibpodError } from '../../base/errors.ts'
import { makePipe, readableFrom, writableTo } from '../../linux/pipe.ts'
import type { TerminalSize } from '../../linux/pty.ts'
import { parseSignal } from '../../linux/signals.ts'
import { execTerminal } from '../../oci/exec-terminal.ts'
import type { OCIExec } from '../../oci/oci-runtime.ts'
import { checkTerminalSize } from '../check-terminal-size.ts'
import type { ContainersServices } from '../services.ts'
import { type PreparedExec, prepareExec } from './begin.ts'
import { checkExec, type SpawnOptions } from './options.ts'

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

interface Streams {
  readonly stdin?: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  resize(size: { readonly rows: number; readonly columns: number }): void
}

/** Starts a program in a running container and gives its streams. */
export async function spawnInContainer(
  services: ContainersServices,
  id: string,
  command: readonly string[],
  options: SpawnOptions = {},
): Promise<ExecSession> {
  await checkExec(command, options)
  options.signal?.throwIfAborted()
  const { tty, ...rest } = options
  const terminal = tty === undefined || tty === false ? undefined : tty === true ? usualSize : tty
  const prepared = await prepareExec(services, id, command, { ...rest, terminal })
  let started: { readonly exec: OCIExec; readonly streams: Streams }
  try {
    started = terminal ? await startTerminal(prepared, terminal) : await startPiped(prepared, options)
  } catch (error) {
    await prepared.finish(undefined)
    throw error
  }
  const { exec, streams } = started
  const kill = async (signal: string | number = 'SIGKILL'): Promise<void> => exec.kill(parseSignal(signal, 'signal'))
  const unregister = services.ephemerals.add(() => kill())
  const release = onAbort(options.signal, () => void kill().catch(() => {}))
  const ended = exec.exited.finally(() => {
    release()
    unregister()
  })
  if (terminal !== undefined) {
    // It may not have been read to its end, and nobody may come to do that.
    const { stdout } = streams
    const forget = services.ephemerals.add(async () => void stdout.destroy())
    stdout.once('close', forget)
  }
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
  return {
    ...(streams.stdin === undefined ? {} : { stdin: streams.stdin }),
    stdout: streams.stdout,
    stderr: streams.stderr,
    async wait() {
      const result = await exited
      options.signal?.throwIfAborted()
      return result
    },
    kill,
    async resize(size) {
      checkTerminalSize(size)
      streams.resize(size)
    },
    async [Symbol.asyncDispose]() {
      await kill()
      await exited.catch(() => {})
      for (const stream of [streams.stdin, streams.stdout, streams.stderr]) stream?.destroy()
    },
  }
}

async function startPiped(prepared: PreparedExec, { stdin }: SpawnOptions): Promise<{ exec: OCIExec; streams: Streams }> {
  const input = stdin ? makePipe() : { read: openSync('/dev/null', 'r'), write: undefined }
  const output = makePipe()
  const errors = makePipe()
  const theirs = [input.read, output.write, errors.write] as const
  const ours = [input.write, output.read, errors.read].filter((fd) => fd !== undefined)
  try {
    const exec = await prepared.run(theirs)
    const streams: Streams = {
      stdout: readableFrom(output.read),
      stderr: readableFrom(errors.read),
      ...(input.write === undefined ? {} : { stdin: writableTo(input.write) }),
      resize: () => {
        throw new LibpodError(
          'unsupported',
          'This program has no terminal to resize.',
          { what: 'resize' },
          { hint: 'Start it with { tty: true }.' },
        )
      },
    }
    return { exec, streams }
  } catch (error) {
    ours.forEach(closeSync)
    throw error
  } finally {
    theirs.forEach(closeSync)
  }
}

async function startTerminal(prepared: PreparedExec, size: TerminalSize): Promise<{ exec: OCIExec; streams: Streams }> {
  const { exec, terminal } = await execTerminal(prepared, size)
  return { exec, streams: { stdin: terminal, stdout: terminal, stderr: new PassThrough().end(), resize: (to) => terminal.resize(to) } }
}
