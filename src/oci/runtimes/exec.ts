import { closeSync, constants } from 'node:fs'
import { onAbort } from '../../base/abort.ts'
import { signalPidfd } from '../../linux/pidfd.ts'
import type { SpawnedProcess, SpawnOptions } from '../../linux/process/spawn.ts'
import type { OCIExec, OCIExecOptions, OCIExecTerminal } from '../oci-runtime.ts'
import { PidFile } from '../pid-file.ts'
import { loggedError, runtimeFailed } from './failure.ts'
import { logArgs, type RuntimeProgram, startProgram } from './invoke.ts'
import { openMemoryFile, readMemoryFile } from './memory-file.ts'

/** How long a kill waits for the program to be there, before it takes the runtime alone. */
const patienceMs = 2_000

/** Starts a program in a running container. */
export async function startExec(
  program: RuntimeProgram,
  id: string,
  { processFile, pidFile, stdio, tty, env, signal }: OCIExecOptions,
): Promise<OCIExec> {
  signal?.throwIfAborted()
  const verb = ['exec', '--process', processFile, '--pid-file', pidFile]
  if (tty?.consoleSocket !== undefined) verb.push('--console-socket', tty.consoleSocket)
  const log = openMemoryFile('oci-exec-log')
  let child: SpawnedProcess
  try {
    child = startProgram({ ...program, env: env ?? program.env }, [...logArgs, ...verb, id], [...stdioOf(stdio, tty), log], {
      setsid: tty?.slavePath !== undefined,
    })
  } catch (error) {
    closeSync(log)
    throw error
  }
  const inside = new PidFile(pidFile, child)
  const exited = child.exited.then(
    ({ code, signal: killedBy }) => {
      const text = takeLog(log)
      if (loggedError(text) === undefined && code !== null) return code
      const argv = [program.path, ...program.args, ...verb, id]
      throw runtimeFailed({ name: program.name, verb: 'exec', argv, runs: true }, { code, signal: killedBy, log: text })
    },
    (error: unknown) => {
      takeLog(log)
      throw error
    },
  )
  const kill = async (number: number): Promise<void> => {
    const opened = await inside.open(number === 9 ? patienceMs : undefined)
    if (opened !== undefined) {
      signalPidfd(opened, number)
      closeSync(opened)
    }
    // The runtime ends with the program and tells its exit code; only one that has no program to wait for is killed itself.
    else if (number === 9) child.kill(9)
  }
  const release = onAbort(signal, () => void kill(9).catch(() => {}))
  exited.then(release, release)
  return { pid: child.pid, programPid: () => inside.pid(), exited, kill }
}

/** A runtime that copies from a terminal learns of a new size only if it is its own: opened by the leader of a session. */
function stdioOf(stdio: OCIExecOptions['stdio'], tty: OCIExecTerminal | undefined): SpawnOptions['stdio'] {
  if (tty?.slavePath === undefined) return stdio
  const terminal = { open: tty.slavePath, flags: constants.O_RDWR }
  return [terminal, terminal, terminal]
}

function takeLog(fd: number): string {
  try {
    return readMemoryFile(fd)
  } finally {
    closeSync(fd)
  }
}
