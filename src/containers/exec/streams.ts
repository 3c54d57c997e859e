import { closeSync, openSync } from 'node:fs'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { LibpodError } from '../../base/errors.ts'
import { makePipe, readableFrom, writableTo } from '../../linux/pipe.ts'
import type { TerminalSize } from '../../linux/pty.ts'
import { execTerminal } from '../../oci/exec-terminal.ts'
import type { OCIExec } from '../../oci/oci-runtime.ts'
import type { PreparedExec } from './begin.ts'

/** The caller's ends of a program's stdio. */
export interface Streams {
  readonly stdin?: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Those of them that have a descriptor. */
  readonly owned: readonly (Readable | Writable)[]
  resize(size: { readonly rows: number; readonly columns: number }): void
}

/** An exec that runs, and what it is connected to. */
export interface StartedExec {
  readonly exec: OCIExec
  readonly streams: Streams
}

/** Starts it with pipes. */
export async function startPiped(prepared: PreparedExec, { hasStdin }: { readonly hasStdin: boolean }): Promise<StartedExec> {
  const input = hasStdin ? makePipe() : { read: openSync('/dev/null', 'r'), write: undefined }
  const output = makePipe()
  const errors = makePipe()
  const theirs = [input.read, output.write, errors.write] as const
  const ours = [input.write, output.read, errors.read].filter((fd) => fd !== undefined)
  try {
    const exec = await prepared.run(theirs)
    const typed = input.write === undefined ? undefined : writableTo(input.write)
    const [stdout, stderr] = [readableFrom(output.read), readableFrom(errors.read)]
    const streams: Streams = {
      ...(typed === undefined ? {} : { stdin: typed }),
      stdout,
      stderr,
      owned: [stdout, stderr, ...(typed === undefined ? [] : [typed])],
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

/** Starts it with a terminal of this size. */
export async function startTerminal(prepared: PreparedExec, size: TerminalSize): Promise<StartedExec> {
  const { exec, terminal } = await execTerminal(prepared, size)
  const both = { stdin: terminal, stdout: terminal, owned: [terminal] }
  return { exec, streams: { ...both, stderr: new PassThrough().end(), resize: (to) => terminal.resize(to) } }
}
