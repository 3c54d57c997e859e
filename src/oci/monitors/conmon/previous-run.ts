import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { sleep } from '../../../base/time.ts'
import { readMounts } from '../../../linux/mount-info.ts'
import { watchPid } from '../../../linux/pidfd.ts'
import type { MonitorPlace } from '../../monitor.ts'
import { bundleFiles } from '../bundle-files.ts'

/** The exit script looks again after so long that a waiting start gains nothing from more patience. */
const patienceMs = 2_000

/**
 * Waits until the mounts of the container's previous run are gone. The monitor of that run has become the exit script by now, and
 * keeps its mount namespace for the moment until it sees that its exit was recorded; two mounts of one overlay at a
 * time are more than the kernel promises anything for.
 */
export async function previousRunUnmounted(place: MonitorPlace): Promise<void> {
  const file = bundleFiles(place).monitorPid
  // The first run has none before it, and needs no thread to find that out.
  if (!existsSync(file)) return
  const [pidText = '', startTime] = (await readText(file)).trim().split(' ')
  const pid = Number(pidText)
  if (!(pid > 1) || !(await hasMounts(pid, place.bundle))) return
  const watch = watchPid(pid, startTime)
  watch.ref()
  const over = new AbortController()
  try {
    await Promise.race([watch.exited, sleep(patienceMs, { signal: over.signal }).catch(() => {})])
  } finally {
    over.abort()
    watch.close()
  }
}

async function hasMounts(pid: number, bundle: string): Promise<boolean> {
  const mounts = await readMounts(pid).catch(() => [])
  return mounts.some(({ mountPoint }) => mountPoint.startsWith(`${bundle}/`))
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
