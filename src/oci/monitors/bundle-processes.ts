import { readdir, readFile } from 'node:fs/promises'
import { signalProcess, watchPid } from '../../linux/pidfd.ts'
import { type ProcessIdentity, readProcessStat } from '../../linux/proc.ts'

const SIGKILL = 9

/**
 * The processes that were started with a bundle as one of their arguments: its monitor, a runtime that creates or runs its container.
 * For those whose pids were never written down, because who should have done that was killed: it is a walk through all of /proc.
 */
export async function findBundleProcesses(bundle: string): Promise<(ProcessIdentity & { readonly args: readonly string[] })[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
      if (!args.includes(bundle)) return []
      const stat = await readProcessStat(pid)
      return stat === undefined || stat.state === 'Z' ? [] : [{ pid, startTime: stat.startTime, args }]
    }),
  )
  return found.flat()
}

/** Kills them, and waits until they are gone. */
export async function endBundleProcesses(bundle: string): Promise<void> {
  const watches = (await findBundleProcesses(bundle)).map(({ pid, startTime }) => {
    const watch = watchPid(pid, startTime)
    watch.ref()
    signalProcess(pid, startTime, SIGKILL)
    return watch.exited
  })
  await Promise.all(watches)
}
