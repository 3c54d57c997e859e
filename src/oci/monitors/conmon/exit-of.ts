import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { mapFsError } from '../../../linux/fs/disk.ts'
import type { MonitorExit, MonitorPlace } from '../../monitor.ts'
import { bundleFiles } from '../bundle-files.ts'

/** Reads how a container ended, if conmon has written it. These files lie on tmpfs: looking at once takes microseconds. */
export async function readExit(place: MonitorPlace): Promise<MonitorExit | undefined> {
  const path = join(place.exitsDir, place.id)
  try {
    const seen = statSync(path, { throwIfNoEntry: false })
    if (seen === undefined) return undefined
    const text = readFileSync(path, 'latin1').trim()
    const exitCode = Number(text)
    if (text === '' || Number.isNaN(exitCode)) return undefined
    return { exitCode, finishedAt: seen.ctime, oomKilled: existsSync(bundleFiles(place).oom) }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw mapFsError(error, path)
  }
}
