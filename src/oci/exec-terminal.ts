import { closeSync, openSync } from 'node:fs'
import { LibpodError } from '../base/errors.ts'
import { sleep } from '../base/time.ts'
import { receiveDescriptors } from '../linux/descriptor-socket.ts'
import { openPty, openSlave, resizePty, type TerminalSize } from '../linux/pty.ts'
import type { OCIExec, OCIExecOptions, OCIExecTerminal, OCIRuntime } from './oci-runtime.ts'
import { makeRaw } from './raw-terminal.ts'
import { TerminalStream } from './terminal-stream.ts'

/** What is needed to start an exec with a terminal. */
export interface TerminalExec {
  readonly runtime: Pick<OCIRuntime, 'features' | 'name'>
  /** Where a socket may be made. */
  readonly socketPath: string
  run(stdio: OCIExecOptions['stdio'], terminal: OCIExecTerminal): Promise<OCIExec>
}

/** A running exec and its terminal. */
export interface ExecWithTerminal {
  readonly exec: OCIExec
  /** What the program writes, and what is typed to it. Owned by the caller, who destroys it. */
  readonly terminal: TerminalStream
}

/** How long a terminal that was sent may be under way after the exec has ended. */
const lateMs = 200

/** Starts a program with a terminal of the given size, in the way that the runtime offers. */
export async function execTerminal(exec: TerminalExec, size: TerminalSize): Promise<ExecWithTerminal> {
  return exec.runtime.features.execConsoleSocket ? receiveTerminal(exec, size) : lendTerminal(exec, size)
}

/** The runtime makes the terminal in the container and sends us its master. */
async function receiveTerminal({ socketPath, run, runtime: { name } }: TerminalExec, size: TerminalSize): Promise<ExecWithTerminal> {
  const socket = receiveDescriptors(socketPath)
  const nothing = openSync('/dev/null', 'r+')
  try {
    const exec = await run([nothing, nothing, nothing], { consoleSocket: socketPath })
    // A program that ends at once may have ended before we look; its terminal still comes, with what it wrote.
    const ended = exec.exited.then(() => sleep(lateMs))
    ended.catch(() => {})
    const master = await Promise.race([socket.next(), ended])
    if (master === undefined) throw noTerminal(name, await exec.exited)
    resizePty(master, size)
    return { exec, terminal: new TerminalStream(master) }
  } finally {
    closeSync(nothing)
    socket.close()
  }
}

/** The runtime gets a terminal of ours as its own, and copies between it and the program's. */
async function lendTerminal({ run }: TerminalExec, size: TerminalSize): Promise<ExecWithTerminal> {
  const pty = openPty(size)
  let slave: number | undefined
  try {
    // Until the runtime has opened it too: a terminal that nobody has open looks as if it had ended.
    slave = openSlave(pty)
    // The runtime does so too, but only when something may have been typed already.
    makeRaw(slave)
    const exec = await run([slave, slave, slave], { slavePath: pty.slavePath })
    return { exec, terminal: new TerminalStream(pty.master) }
  } catch (error) {
    closeSync(pty.master)
    throw error
  } finally {
    if (slave !== undefined) closeSync(slave)
  }
}

function noTerminal(name: string, exitCode: number): LibpodError {
  return new LibpodError('command-failed', `${name} exec ended with ${exitCode} before it sent the terminal.`, {
    argv: [name, 'exec'],
    exitCode,
    stderr: '',
  })
}
