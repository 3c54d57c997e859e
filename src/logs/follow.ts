import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { AbortOptions } from '../base/abort.ts'
import { isLibpodError } from '../base/errors.ts'
import { mapFsError } from '../linux/fs/disk.ts'
import { cannotMake, makeFolder } from '../linux/fs/make-folder.ts'
import { ChangeWatch } from './change-watch.ts'

/** Bytes of a log file, in order. */
export interface LogChunk {
  /** Valid until the next chunk is asked for. */
  readonly bytes: Buffer
  readonly offset: number
  /** Counts the files that stood at the path one after the other; also grows when the file was truncated. */
  readonly generation: number
}

/** How {@link readLogFile} reads. */
export interface ReadLogFileOptions extends AbortOptions {
  readonly follow: boolean
  /** Resolves when nobody writes any more; never, if not given. */
  readonly ended?: Promise<void> | undefined
  /** Chooses the offset to begin at in the file that is there at first. */
  begin(file: FileHandle): Promise<number>
}

const chunkBytes = 256 * 1024

/** Reads a log file that may grow, be truncated, or be replaced by another at its path. With `follow` it ends after what is there when `ended` resolves. */
export async function* readLogFile(path: string, { follow, ended, signal, begin }: ReadLogFileOptions): AsyncGenerator<LogChunk, void> {
  signal?.throwIfAborted()
  const watch = follow ? await watchFor(path, signal) : undefined
  void ended?.then(
    () => watch?.finish(),
    () => watch?.finish(),
  )
  const buffer = Buffer.allocUnsafe(chunkBytes)
  let file: FileHandle | undefined
  let generation = 0
  try {
    file = await openLog(path)
    let offset = file ? await begin(file) : 0
    for (;;) {
      // What was written before the end was told must be read after it was told.
      const last = watch === undefined || watch.finished
      for (;;) {
        signal?.throwIfAborted()
        if (file === undefined) {
          file = await openLog(path)
          if (file === undefined) break
          offset = 0
          generation += 1
        }
        const { bytesRead } = await file.read(buffer, 0, buffer.length, offset)
        if (bytesRead > 0) {
          yield { bytes: buffer.subarray(0, bytesRead), offset, generation }
          offset += bytesRead
        } else if (await wasReplaced(path, file)) {
          // Nothing more is written to the old file once the new one has its name, but something may have been since our last look.
          const more = await file.read(buffer, 0, buffer.length, offset)
          if (more.bytesRead > 0) {
            yield { bytes: buffer.subarray(0, more.bytesRead), offset, generation }
            offset += more.bytesRead
          } else {
            await file.close()
            file = undefined
          }
        } else if ((await file.stat()).size < offset) {
          offset = 0
          generation += 1
        } else break
      }
      if (last || watch === undefined) return
      await watch.next()
    }
  } finally {
    watch?.close()
    await file?.close()
  }
}

async function watchFor(path: string, signal: AbortSignal | undefined): Promise<ChangeWatch> {
  // A container that was never started has no folder for its log yet.
  await makeFolder(dirname(path), 0o700).catch((error: unknown) => {
    throw cannotMake(error, dirname(path), 'log.path')
  })
  return ChangeWatch.of(dirname(path), basename(path), signal)
}

async function openLog(path: string): Promise<FileHandle | undefined> {
  try {
    // Without waiting for who writes, if it is a fifo.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    if ((await file.stat()).isFile()) return file
    // A folder in its place is not the monitor's.
    await file.close()
    return undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw isLibpodError(error) ? error : mapFsError(error, path)
  }
}

/** Whether another file stands at the path now. One that was only removed may still be written to. */
async function wasReplaced(path: string, file: FileHandle): Promise<boolean> {
  const now = await stat(path).catch(() => undefined)
  if (now === undefined) return false
  const ours = await file.stat()
  return now.ino !== ours.ino || now.dev !== ours.dev
}
