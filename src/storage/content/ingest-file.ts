import { type FileHandle, open, stat } from 'node:fs/promises'
import type { AbortOptions } from '../../base/abort.ts'
import { sleep } from '../../base/time.ts'
import { isErrno } from '../../linux/errno.ts'
import { tryFlock } from '../../linux/flock.ts'

const shortestWaitMs = 1
const longestWaitMs = 50

/** Opens the file of an ingest and locks it, waiting for whoever is writing it. The lock goes with the handle, or with the process. */
export async function openIngestFile(path: string, { signal }: AbortOptions): Promise<FileHandle> {
  for (let waitMs = shortestWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    signal?.throwIfAborted()
    const handle = await tryOpen(path, 'a+')
    if (handle) return handle
    await sleep(shortestWaitMs + Math.random() * (waitMs - shortestWaitMs), { signal })
  }
}

/** The same without waiting and without making it: `undefined` if it is being written, or gone. */
export async function tryOpenIngestFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await tryOpen(path, 'r+')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

async function tryOpen(path: string, flags: 'a+' | 'r+'): Promise<FileHandle | undefined> {
  const handle = await open(path, flags, 0o600)
  let kept = false
  try {
    // Between open and lock, the last writer may have made it a blob: then this is a lock of something that must not be written.
    kept = tryFlock(handle.fd, 'exclusive') && (await isStillThere(handle, path))
    return kept ? handle : undefined
  } finally {
    if (!kept) await handle.close()
  }
}

async function isStillThere(handle: FileHandle, path: string): Promise<boolean> {
  const mine = await handle.stat({ bigint: true })
  try {
    const { dev, ino } = await stat(path, { bigint: true })
    return dev === mine.dev && ino === mine.ino
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}
