import { readdir } from 'node:fs/promises'
import { signalProcess } from './pidfd.ts'
import { readProcessStat } from './proc.ts'
import { signalNumbers } from './signals.ts'

/** How often it is looked for those that were born meanwhile. */
const rounds = 10

/** Kills every process of a session, until there is none. One that has made a session of its own is out of reach. */
export async function killSession(session: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const members = await sessionMembers(session)
    if (members.length === 0) return
    for (const { pid, startTime } of members) signalProcess(pid, startTime, signalNumbers.SIGKILL)
  }
}

async function sessionMembers(session: number): Promise<{ readonly pid: number; readonly startTime: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const all = await Promise.all(pids.map(async (pid) => ({ pid, stat: await readProcessStat(pid) })))
  return all.flatMap(({ pid, stat }) =>
    stat === undefined || stat.session !== session || stat.state === 'Z' ? [] : [{ pid, startTime: stat.startTime }],
  )
}
