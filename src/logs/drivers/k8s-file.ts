import { lstatSync } from 'node:fs'
import { isErrno } from '../../linux/errno.ts'
import { mapFsError } from '../../linux/fs/disk.ts'
import { unlinkIfThere } from '../../linux/fs/unlink.ts'
import type { LogEntry } from '../entry.ts'
import type { LogDriver, LogPlace, LogReadOptions } from '../log-driver.ts'
import { LineJoiner } from '../parse.ts'
import { readPieces } from '../pieces.ts'

/**
 * Makes the driver of the format that Kubernetes' CRI prescribes, one file a container. The monitor writes it, and begins a
 * new file when `maxSizeBytes` is reached; nothing older is kept.
 *
 * @public
 */
export function k8sFileLogDriver(): LogDriver {
  return {
    name: 'k8s-file',
    monitorArgs: ({ path, maxSizeBytes }) => [
      '-l',
      `k8s-file:${path}`,
      ...(maxSizeBytes === undefined ? [] : ['--log-size-max', String(maxSizeBytes)]),
    ],
    read: readEntries,
    readRaw,
    remove,
  }
}

async function* readEntries(place: LogPlace, options: LogReadOptions): AsyncGenerator<LogEntry, void> {
  const joiner = new LineJoiner()
  for await (const pieces of readPieces(place.path, options)) {
    for (const piece of pieces) {
      const entry = joiner.push(piece)
      if (entry) yield entry
    }
  }
  yield* joiner.rest()
}

async function* readRaw(place: LogPlace, options: LogReadOptions): AsyncGenerator<Buffer, void> {
  const newline = Buffer.from('\n')
  for await (const pieces of readPieces(place.path, options)) {
    const parts: Buffer[] = []
    for (const { data, complete } of pieces) {
      parts.push(data)
      if (complete) parts.push(newline)
    }
    // One copy for the whole chunk, since the memory below is used again.
    if (parts.length > 0) yield Buffer.concat(parts)
  }
}

async function remove({ path, maxSizeBytes }: LogPlace): Promise<void> {
  // Where its size is limited, the monitor writes the next file under the second name before it replaces the first; else that is somebody's.
  await Promise.all([unlinkLog(path), maxSizeBytes === undefined ? undefined : unlinkLog(`${path}.tmp`)])
}

/** A folder in its place is not the monitor's, nor is a device: who logs to /dev/null wants to keep that. */
async function unlinkLog(path: string): Promise<void> {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found?.isFile() || found?.isSymbolicLink()) await unlinkIfThere(path)
  } catch (error) {
    if (!isErrno(error, 'ENOTDIR')) throw mapFsError(error, path)
  }
}
