import { existsSync, fstatSync, readSync } from 'node:fs'
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { sleep } from '../../base/time.ts'
import { tryFlock, unlock } from '../../linux/flock.ts'
import { formatCursor, listSegments, segmentPath } from './segments.ts'

const newline = 10

/**
 * Appends to the newest segment, under a lock on that file. The lock makes the place of each event known, and lets no
 * event come behind another process's rotation, where readers would miss it. It is freed with a killed writer.
 */
export class SegmentWriter {
  readonly #directory: string
  readonly #maxSizeBytes: number
  #current: { readonly segment: number; readonly file: FileHandle } | undefined
  /** Where our own last line ended: as long as nobody else writes, the last byte need not be looked at. */
  #end = 0

  constructor(directory: string, maxSizeBytes: number) {
    this.#directory = directory
    this.#maxSizeBytes = maxSizeBytes
  }

  /** Appends whole lines with one write, giving the cursors behind them. */
  async write(lines: readonly string[]): Promise<string[]> {
    const { segment, file, size } = await this.#lock()
    try {
      // The line of a killed writer ends here, so that ours begins anew.
      const start = size > 0 && size !== this.#end && lastByte(file.fd, size) !== newline ? '\n' : ''
      const sizes = lines.map((line) => Buffer.byteLength(line))
      const data = Buffer.from(start + lines.join(''))
      await this.#append(file, data, size)
      this.#end = size + data.length
      let offset = size + start.length
      return sizes.map((bytes) => {
        offset += bytes
        return formatCursor({ segment, offset })
      })
    } finally {
      unlock(file.fd)
    }
  }

  async close(): Promise<void> {
    const file = this.#current?.file
    this.#current = undefined
    await file?.close()
  }

  /** The newest segment with room in it, locked. */
  async #lock(): Promise<{ segment: number; file: FileHandle; size: number }> {
    for (;;) {
      this.#current ??= await this.#open()
      const { segment, file } = this.#current
      for (let waitMs = 1; !tryFlock(file.fd, 'exclusive'); waitMs = Math.min(waitMs * 2, 10)) await sleep(Math.random() * waitMs)
      const { size, nlink } = fstatSync(file.fd)
      const newest = nlink > 0 && !existsSync(segmentPath(this.#directory, segment + 1))
      if (newest && (size === 0 || size < this.#maxSizeBytes)) return { segment, file, size }
      if (newest) await this.#rotate(segment).finally(() => unlock(file.fd))
      await this.close()
    }
  }

  async #open(): Promise<{ segment: number; file: FileHandle }> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    const segment = (await listSegments(this.#directory)).at(-1) ?? 1
    this.#end = 0
    return { segment, file: await open(segmentPath(this.#directory, segment), 'a+', 0o600) }
  }

  /** Begins the next segment, and forgets all but the one that is full now. */
  async #rotate(segment: number): Promise<void> {
    await (await open(segmentPath(this.#directory, segment + 1), 'a', 0o600)).close()
    for (const older of await listSegments(this.#directory))
      if (older < segment) await rm(segmentPath(this.#directory, older), { force: true })
  }

  async #append(file: FileHandle, data: Buffer, size: number): Promise<void> {
    try {
      const { bytesWritten } = await file.write(data)
      if (bytesWritten === data.length) return
      throw full(this.#directory)
    } catch (error) {
      await file.truncate(size)
      if (isLibpodError(error)) throw error
      const { code } = error as NodeJS.ErrnoException
      throw code === 'ENOSPC' || code === 'EDQUOT' ? full(this.#directory, error) : error
    }
  }
}

function lastByte(fd: number, size: number): number | undefined {
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, size - 1)
  return byte[0]
}

function full(path: string, cause?: unknown): LibpodError<'no-space'> {
  return new LibpodError(
    'no-space',
    `The event could not be logged: the file system of ${path} is full.`,
    { path },
    { ...(cause === undefined ? {} : { cause }), hint: 'Free some space there.' },
  )
}
