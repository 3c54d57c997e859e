import { readdir, readFile } from 'node:fs/promises'
import { readProcessStat } from '../../linux/proc.ts'
import type { SpawnedProcess } from '../../linux/process/spawn.ts'
import { signalNumbers } from '../../linux/signals.ts'
import type { PidFile } from '../pid-file.ts'

/** How long a process may be dead before it counts as one that nobody reaps. */
const lookMs = 1_000

/**
 * Ends a runtime that waits for what never comes: runc does so for the terminal of a program whose container was killed before it had one.
 * As it does not reap the process that died, the container could not end either. It is told by a child that stays dead while there is no program.
 */
export function endWhenStuck(child: SpawnedProcess, pidFile: PidFile): void {
  let before: readonly number[] = []
  const look = async (): Promise<void> => {
    if ((await pidFile.pid(0)) !== undefined) return clearInterval(timer)
    const dead = await deadChildren(child.pid)
    if (dead.some((pid) => before.includes(pid))) child.kill(signalNumbers.SIGKILL)
    before = dead
  }
  const timer = setInterval(() => void look().catch(() => {}), lookMs)
  timer.unref()
  const stop = (): void => clearInterval(timer)
  child.exited.then(stop, stop)
}

async function deadChildren(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`)
  const lists = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'latin1').catch(() => '')))
  const children = lists.join(' ').split(' ').filter(Boolean).map(Number)
  const states = await Promise.all(children.map(async (one) => ({ one, state: (await readProcessStat(one))?.state })))
  return states.filter(({ state }) => state === 'Z').map(({ one }) => one)
}
