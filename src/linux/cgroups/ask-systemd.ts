import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { findProgram } from '../process/find-program.ts'
import { commandFailed, runProgram } from '../process/run-program.ts'

/** Which systemd is asked: that of the machine, or the one that runs for a user. */
export interface SystemdManager {
  /** `XDG_RUNTIME_DIR` of the user, where the bus is. */
  readonly userRuntimeDir?: string | undefined
}

/** Has a program of systemd do something, and waits until it is done. */
export async function askSystemd(
  program: 'busctl' | 'systemctl' | 'systemd-run',
  args: readonly string[],
  { userRuntimeDir }: SystemdManager = {},
): Promise<void> {
  const file = await findProgram(program)
  if (file === undefined)
    throw new LibpodError(
      'unavailable',
      `There is no ${program} on this host.`,
      { what: program },
      { hint: 'Install systemd whole, or use cgroupfs as the cgroup manager.' },
    )
  const argv = userRuntimeDir === undefined ? args : ['--user', ...args]
  const env = { LC_ALL: 'C', ...(userRuntimeDir === undefined ? {} : { XDG_RUNTIME_DIR: userRuntimeDir }) }
  const result = await runProgram({ file, args: argv, env, timeoutMs: 30_000 })
  if (result.code !== 0) throw commandFailed([file, ...argv], result)
}

/** Whether a unit could not be made because it is there already. */
export function isAlreadyLoaded(error: unknown): boolean {
  return isLibpodError(error, 'command-failed') && /already loaded/.test(error.details.stderr ?? '')
}
