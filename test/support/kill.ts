import { readlink } from 'node:fs/promises'
import type { Place } from './place.ts'
import { processesOf } from './traces.ts'

/** Processes of a place: engines' helpers, the clean-up program, monitors, and what runs in containers. */
const kinds = {
  helper: /helper\.js/,
  cleanup: /cleanup\.js/,
  conmon: /^\d+ \S*conmon /,
} as const

/** Pids of a kind. */
export function pidsOf(place: Place, kind: keyof typeof kinds): number[] {
  return processesOf(place)
    .filter((line) => kinds[kind].test(line))
    .map((line) => Number.parseInt(line, 10))
}

/** Kills them with SIGKILL; gives how many there were. */
export function killAll(place: Place, kind: keyof typeof kinds): number {
  return pidsOf(place, kind).filter(killNow).length
}

/** Kills a host and its helpers; the helpers first, or they would see its end and do what they do then. */
export async function killHostAndHelper(place: Place, host: { kill(): Promise<void> }): Promise<void> {
  killAll(place, 'helper')
  await host.kill()
}

/** Kills everything that the place runs, as the power cut does. */
export async function killEverything(place: Place): Promise<void> {
  for (;;) {
    const pids = processesOf(place).map((line) => Number.parseInt(line, 10))
    if (pids.length === 0) return
    pids.forEach(killNow)
    await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/exe`).catch(() => '')))
  }
}

function killNow(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch {
    return false
  }
}
