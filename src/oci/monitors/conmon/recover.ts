import { readFile } from 'node:fs/promises'
import { readProcessStat } from '../../../linux/proc.ts'
import { findProcessesOf } from '../../../linux/processes-of.ts'
import type { MonitorPlace, RecoveredMonitor } from '../../monitor.ts'
import { bundleFiles } from '../bundle-files.ts'

/**
 * Finds conmon and the container that it created. The container's first process has conmon as its parent, whoever started
 * that; one that has not got so far is known by the helper's note. Pids may have been used again since: each is checked.
 */
export async function recoverConmon(place: MonitorPlace): Promise<RecoveredMonitor | undefined> {
  const files = bundleFiles(place)
  const [pidText, noteText] = await Promise.all([readText(files.pid), readText(files.monitorPid)])
  const pid = Number(pidText)
  const program = pid > 0 ? await readProcessStat(pid) : undefined
  const parent = program === undefined ? undefined : await conmonOf(place, program.ppid)
  if (program && parent) return { pid, pidStartTime: program.startTime, ...parent }
  const [notedPid, notedStart] = noteText.trim().split(' ')
  const noted = notedPid === undefined ? undefined : await conmonOf(place, Number(notedPid))
  if (noted !== undefined && noted.monitorStartTime === notedStart) return noted
  return unnotedConmon(place)
}

/** A helper that was killed may not have come to write its note. */
async function unnotedConmon(place: MonitorPlace): Promise<RecoveredMonitor | undefined> {
  for (const { pid } of await findProcessesOf(place.bundle)) {
    const conmon = await conmonOf(place, pid)
    if (conmon) return conmon
  }
  return undefined
}

/** The process, if it is the conmon of this container. */
async function conmonOf({ id, bundle }: MonitorPlace, pid: number): Promise<RecoveredMonitor | undefined> {
  if (!(pid > 1)) return undefined
  const [stat, commandLine] = await Promise.all([readProcessStat(pid), readText(`/proc/${pid}/cmdline`)])
  const args = commandLine.split('\0')
  const isOurs = args[args.indexOf('-c') + 1] === id && args[args.indexOf('-b') + 1] === bundle
  return stat && isOurs && stat.state !== 'Z' ? { monitorPid: pid, monitorStartTime: stat.startTime } : undefined
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
