import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { type AbortOptions, listenForAbort } from '../base/abort.ts'
import { isErrno } from './errno.ts'
import { F_GETFL, F_SETFL, O_NONBLOCK } from './native/constants.ts'
import { libc } from './native/libc.ts'
import { reactor, type Watch } from './reactor.ts'

/** The two ends of a pipe, both close-on-exec. */
export interface Pipe {
  readonly read: number
  readonly write: number
}

/** What {@link readAll} collected. */
export interface Collected {
  readonly data: Buffer
  /** More came than was to be kept. */
  readonly truncated: boolean
}

/** Options of {@link readAll}. */
export interface ReadAllOptions extends AbortOptions {
  /** So many bytes are kept; the rest is read and forgotten, so that the writer does not wait. */
  readonly max?: number
}

const chunkSize = 64 * 1024

/** Makes a pipe. An end that stays here should not block; one that a program gets should. */
export function makePipe({ nonblockRead = false, nonblockWrite = false } = {}): Pipe {
  const pipe = libc().pipe2()
  if (nonblockRead) setNonblocking(pipe.read)
  if (nonblockWrite) setNonblocking(pipe.write)
  return pipe
}

/** Makes reads and writes give up instead of waiting. Counts for everybody who shares the open file, other processes too. */
export function setNonblocking(fd: number): void {
  const flags = libc().fcntl(fd, F_GETFL)
  if ((flags & O_NONBLOCK) === 0) libc().fcntl(fd, F_SETFL, flags | O_NONBLOCK)
}

/** A stream of what comes out of a pipe; it owns the descriptor from now on. */
export function readableFrom(fd: number): Readable {
  return new Socket({ fd, readable: true, writable: false })
}

/** A stream into a pipe; it owns the descriptor from now on. */
export function writableTo(fd: number): Writable {
  return new Socket({ fd, readable: false, writable: true })
}

/** Reads until all writers have closed it, and closes it, also when aborted. */
export function readAll(fd: number, options: ReadAllOptions = {}): Promise<Collected> {
  const collector = collect(fd, options)
  return collector.done
}

/** Reads a pipe as {@link readAll} does, and can also stop early with what there is. */
export interface Collector {
  readonly done: Promise<Collected>
  /** The writer has ended: takes what is still in the pipe and ends, though others may hold its other end. */
  finish(): void
}

/** Begins to read a pipe; owns it from now on. */
export function collect(fd: number, { max = Number.POSITIVE_INFINITY, signal }: ReadAllOptions = {}): Collector {
  const chunks: Buffer[] = []
  let kept = 0
  let truncated = false
  let watch: Watch | undefined
  let settle: { resolve: (collected: Collected) => void; reject: (error: unknown) => void } | undefined
  const done = new Promise<Collected>((resolve, reject) => {
    settle = { resolve, reject }
  })
  const aborted = (): void => end(() => settle?.reject(signal?.reason))
  const end = (how: () => void): void => {
    if (settle === undefined) return
    watch?.close()
    libc().close(fd)
    signal?.removeEventListener('abort', aborted)
    how()
    settle = undefined
  }
  const succeed = (): void => end(() => settle?.resolve({ data: Buffer.concat(chunks, kept), truncated }))
  /** Gives how much there was; 0 at the end of the pipe. */
  const readOnce = (): number | undefined => {
    const chunk = Buffer.allocUnsafe(chunkSize)
    const length = libc().read(fd, chunk)
    if (length === undefined || length === 0) return length
    const wanted = Math.min(length, max - kept)
    if (wanted < length) truncated = true
    // A small piece must not hold on to a large buffer.
    if (wanted > 0) chunks.push(wanted > chunkSize / 2 ? chunk.subarray(0, wanted) : Buffer.from(chunk.subarray(0, wanted)))
    kept += wanted
    return length
  }
  const guarded = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      end(() => settle?.reject(error))
    }
  }
  guarded(() => {
    signal?.throwIfAborted()
    setNonblocking(fd)
    watch = reactor().watch(fd, 'read', () => guarded(() => (readOnce() === 0 ? succeed() : undefined)))
    if (signal) listenForAbort(signal, aborted)
  })
  return {
    done,
    finish: () =>
      guarded(() => {
        // As much as a pipe can hold, at the most: another may still write into it without end.
        for (
          let drained = 0, length: number | undefined = 1;
          settle !== undefined && length && drained < largestPipe;
          drained += length ?? 0
        )
          length = readOnce()
        succeed()
      }),
  }
}

const largestPipe = 1024 * 1024

/** Writes everything and closes the pipe. A reader that does not want it all is no failure. */
export function writeAll(fd: number, data: Uint8Array | string, { signal }: AbortOptions = {}): Promise<void> {
  let rest: Uint8Array = typeof data === 'string' ? Buffer.from(data) : data
  return new Promise((resolve, reject) => {
    let watch: Watch | undefined
    let ended = false
    const end = (how: () => void): void => {
      if (ended) return
      ended = true
      watch?.close()
      libc().close(fd)
      signal?.removeEventListener('abort', aborted)
      how()
    }
    const aborted = (): void => end(() => reject(signal?.reason))
    const write = (): void => {
      try {
        while (rest.length > 0) {
          const length = libc().write(fd, rest)
          if (length === undefined) return
          rest = rest.subarray(length)
        }
        end(resolve)
      } catch (error) {
        end(() => (isErrno(error, 'EPIPE') ? resolve() : reject(error)))
      }
    }
    try {
      signal?.throwIfAborted()
      setNonblocking(fd)
      write()
      if (ended) return
      watch = reactor().watch(fd, 'write', write)
      if (signal) listenForAbort(signal, aborted)
    } catch (error) {
      end(() => reject(error))
    }
  })
}
