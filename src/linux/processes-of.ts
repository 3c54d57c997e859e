import { readdir, readFile } from 'node:fs/promises'
import { signalProcess, watchPid } from './pidfd.ts'
import { type ProcessIdentity, readProcessStat } from './proc.ts'

const SIGKILL = 9

/**
 * The processes that were started with this as one of their arguments. For those whose pids were never written down, because who should
 * have done that was killed: it is a walk through all of /proc.
 */
export async function findProcessesOf(argument: string): Promise<(ProcessIdentity & { readonly args: readonly string[] })[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
      if (!args.includes(argument)) return []
      const stat = await readProcessStat(pid)
      return stat === undefined || stat.state === 'Z' ? [] : [{ pid, startTime: stat.startTime, args }]
    }),
  )
  return found.flat()
}

/** Kills them, and waits until they are gone. */
export async function endProcessesOf(argument: string): Promise<void> {
  const watches = (await findProcessesOf(argument)).map(({ pid, startTime }) => {
    const watch = watchPid(pid, startTime)
    watch.ref()
    signalProcess(pid, startTime, SIGKILL)
    return watch.exited
  })
  await Promise.all(watches)
}
