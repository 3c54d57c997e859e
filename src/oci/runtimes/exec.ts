import { closeSync, constants } from 'node:fs'
import { onAbort } from '../../base/abort.ts'
import { killSession } from '../../linux/kill-session.ts'
import { signalPidfd } from '../../linux/pidfd.ts'
import { readProcessStat } from '../../linux/proc.ts'
import type { SpawnedProcess, SpawnOptions } from '../../linux/process/spawn.ts'
import { signalNumbers } from '../../linux/signals.ts'
import type { OCIExec, OCIExecOptions, OCIExecTerminal } from '../oci-runtime.ts'
import { PidFile } from '../pid-file.ts'
import { loggedError, runtimeFailed } from './failure.ts'
import { logArgs, type RuntimeProgram, startProgramInPool } from './invoke.ts'
import { openMemoryFile, readMemoryFile } from './memory-file.ts'
import { endWhenStuck } from './stuck-exec.ts'

/** How long a kill waits for the program to be there, before it takes the runtime alone. */
const patienceMs = 2_000
/** How long the runtime may take to end after its program: runc waits for everybody who holds its output. */
const afterlifeMs = 1_000

/** How crun and runc end when they have failed. */
const failureCodes: readonly number[] = [1, 255]

const { SIGKILL } = signalNumbers

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
    child = await startProgramInPool({ ...program, env: env ?? program.env }, [...logArgs, ...verb, id], [...stdioOf(stdio, tty), log], {
      setsid: tty?.slavePath !== undefined,
    })
  } catch (error) {
    closeSync(log)
    throw error
  }
  const inside = new PidFile(pidFile, child)
  if (tty?.slavePath !== undefined) endWhenStuck(child, inside)
  let abandoned: NodeJS.Timeout | undefined
  let leftBehind = false
  const exited = child.exited.then(
    async ({ code, signal: killedBy }) => {
      clearTimeout(abandoned)
      const text = takeLog(log)
      if (loggedError(text) === undefined && code !== null) {
        // A runtime may fail without a word; a program that has run left its pid.
        if (!failureCodes.includes(code) || (await inside.pid()) !== undefined) return code
      }
      if (leftBehind) return 128 + SIGKILL
      const argv = [program.path, ...program.args, ...verb, id]
      throw runtimeFailed({ name: program.name, verb: 'exec', argv, runs: true }, { code, signal: killedBy, log: text })
    },
    (error: unknown) => {
      takeLog(log)
      throw error
    },
  )
  const kill = async (number: number): Promise<void> => {
    const opened = await inside.open(number === SIGKILL ? patienceMs : undefined)
    if (opened !== undefined) {
      const pid = await inside.pid()
      const session = pid === undefined ? undefined : (await readProcessStat(pid))?.session
      signalPidfd(opened, number)
      closeSync(opened)
      if (number !== SIGKILL) return
      // The program leads a session: what it has started goes with it.
      if (pid !== undefined && session === pid) await killSession(pid)
      abandoned ??= setTimeout(() => {
        leftBehind = true
        child.kill(SIGKILL)
      }, afterlifeMs)
    }
    // The runtime ends with the program and tells its exit code; only one that has no program to wait for is killed itself.
    else if (number === SIGKILL) child.kill(SIGKILL)
  }
  const release = onAbort(signal, () => void kill(SIGKILL).catch(() => {}))
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
