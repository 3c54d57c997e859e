import { closeSync, constants, createWriteStream, fstatSync, open } from 'node:fs'
import { lstat, readlink, stat } from 'node:fs/promises'
import { dirname, isAbsolute } from 'node:path'
import type { Writable } from 'node:stream'
import { isatty } from 'node:tty'
import { promisify } from 'node:util'
import type { AbortOptions } from '../base/abort.ts'
import { LibpodError } from '../base/errors.ts'
import { sleep } from '../base/time.ts'
import { isErrno } from '../linux/errno.ts'
import { diskSpace } from '../linux/fs/disk.ts'
import { F_GETFL, F_SETFL } from '../linux/native/constants.ts'
import { libc } from '../linux/native/libc.ts'
import { writableTo } from '../linux/pipe.ts'
import { unusablePath } from './unusable-path.ts'

/** What an archive is written to. */
export interface SaveTarget {
  /** Where links lead to; the path itself where it is written to as it is. */
  readonly path: string
  /** No plain file that may be replaced, but what takes the bytes as they come. */
  readonly direct: boolean
}

/** Follows links, so that what they lead to is replaced and not they. */
export async function findTarget(path: string): Promise<SaveTarget> {
  let at = path
  for (let links = 0; links <= mostLinks; links++) {
    const info = await lstat(at).catch((error: unknown) => {
      if (links === 0 && isErrno(error, 'ENOENT')) return undefined
      throw isErrno(error, 'ENOENT', 'ENOTDIR') && links > 0
        ? refused(path, `is a link that leads to ${at}, which is not there`, linkHint, error)
        : error
    })
    if (info !== undefined && !info.isSymbolicLink()) return { path: at, direct: !info.isFile() }
    const isInProc = (await diskSpace(dirname(at))).fsType === 'proc'
    if (info === undefined) {
      if (isInProc) throw refused(path, 'is not there, and no file can be made there', fileHint)
      return { path: at, direct: false }
    }
    // A link of /proc is an open file, and what it says is only its name: nothing can be made beside it. So are /dev/stdout and /dev/fd/1.
    if (isInProc) return { path, direct: true }
    const next = await readlink(at)
    // Not normalized: `..` after a link is the parent of what the link leads to.
    at = isAbsolute(next) ? next : `${dirname(at)}/${next}`
  }
  throw refused(path, 'is a link that leads in a circle', linkHint)
}

/** As many as the kernel follows. */
const mostLinks = 40

/** What is said of a path that no archive can be written to. */
function refused(path: string, why: string, hint: string, cause?: unknown): LibpodError {
  const options = cause === undefined ? { hint } : { hint, cause }
  return new LibpodError('invalid-argument', `path: ${JSON.stringify(path)} ${why}.`, { path: 'path', value: path }, options)
}

/**
 * Opens what is written to as it is: a pipe, a device, or a file that is open already. Neither the opening nor a pipe that is full
 * waits in a thread of the pool, where no abort would be heard. Whoever is to read a pipe is given a moment to start.
 */
export async function openDirect(path: string, { signal, patienceMs = readerMs }: OpenDirectOptions = {}): Promise<Writable> {
  if ((await stat(path)).isBlockDevice()) throw refused(path, 'is a block device', `${fileHint} ${streamHint}`)
  const fd = await openWithReader(path, Date.now() + patienceMs, signal)
  try {
    if (isatty(fd)) throw refused(path, 'is a terminal', `${fileHint} ${streamHint}`)
    if (fstatSync(fd).isFIFO()) return writableTo(fd)
    // Of anything else nothing tells when it takes more.
    libc().fcntl(fd, F_SETFL, libc().fcntl(fd, F_GETFL) & ~O_NONBLOCK)
    return createWriteStream(path, { fd, highWaterMark: pieceBytes })
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

interface OpenDirectOptions extends AbortOptions {
  /** How long a reader may take to come. */
  readonly patienceMs?: number
}

const readerMs = 5_000
const pauseMs = 20

async function openWithReader(path: string, until: number, signal: AbortSignal | undefined): Promise<number> {
  for (;;) {
    try {
      // A file that is open already is not truncated: its own offset, or O_APPEND, says where there is something of others in it.
      return await openFile(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_APPEND)
    } catch (error) {
      const isEarly = isErrno(error, 'ENXIO') && Date.now() < until && (await stat(path)).isFIFO()
      if (!isEarly) throw error
    }
    await sleep(pauseMs, { signal })
  }
}

const fileHint = 'Give the path of a file; it is made, or replaced.'
const linkHint = 'Remove it, or give the path of the file itself.'
const streamHint = 'Without a path you get a stream, which can be written to anything.'
const openFile = promisify(open)
const { O_WRONLY, O_NONBLOCK, O_NOCTTY, O_APPEND } = constants

/** Opens a file that is not there yet. */
export function openNew(path: string): Writable {
  return createWriteStream(path, { flags: 'wx', flush: true, highWaterMark: pieceBytes })
}

const pieceBytes = 1 << 20

/** What is told of a target that could not be found, opened or written. */
export function refuseTarget(error: unknown, path: string): Error {
  if (isErrno(error, 'ENOENT', 'ENOTDIR'))
    return new LibpodError(
      'not-found',
      `path: ${path} cannot be written, because there is no folder ${dirname(path)}.`,
      { kind: 'folder', ref: dirname(path) },
      { cause: error, hint: 'Make it first.' },
    )
  if (isErrno(error, 'ENXIO'))
    return refused(path, 'is a pipe that nobody reads, or a socket', `Start first what reads the pipe. ${streamHint}`, error)
  if (isErrno(error, 'EPIPE')) return refused(path, 'was closed by its reader before all was written', 'See why the reader ended.', error)
  if (isErrno(error, 'EISDIR', 'ERR_INVALID_ARG_VALUE')) return refused(path, 'is no file that can be written', fileHint, error)
  return unusablePath(error, { option: 'path', path, verb: 'written', hint: fileHint })
}
