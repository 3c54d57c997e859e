import { access, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { mapFsError } from '../../../linux/fs/disk.ts'
import type { MonitorExit, MonitorPlace } from '../../monitor.ts'
import { bundleFiles } from '../bundle-files.ts'

/** Reads how a container ended, if conmon has written it. */
export async function readExit(place: MonitorPlace): Promise<MonitorExit | undefined> {
  const path = join(place.exitsDir, place.id)
  try {
    const [text, { ctime }, oomKilled] = await Promise.all([readFile(path, 'latin1'), stat(path), exists(bundleFiles(place).oom)])
    const exitCode = Number(text.trim())
    return text.trim() === '' || Number.isNaN(exitCode) ? undefined : { exitCode, finishedAt: ctime, oomKilled }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw mapFsError(error, path)
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
