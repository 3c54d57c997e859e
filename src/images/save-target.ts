import { closeSync, constants, createWriteStream, fstatSync, open } from 'node:fs'
import { lstat, readlink, stat } from 'node:fs/promises'
import { dirname, isAbsolute } from 'node:path'
import type { Writable } from 'node:stream'
import { isatty } from 'node:tty'
import { promisify } from 'node:util'
import { LibpodError } from '../base/errors.ts'
import { isErrno } from '../linux/errno.ts'
import { diskSpace, mapFsError } from '../linux/fs/disk.ts'
import { F_GETFL, F_SETFL } from '../linux/native/constants.ts'
import { libc } from '../linux/native/libc.ts'
import { writableTo } from '../linux/pipe.ts'

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
      if (isErrno(error, 'ENOENT') && links === 0) return undefined
      throw isErrno(error, 'ENOENT', 'ENOTDIR') && links > 0 ? badLink(path, `leads to ${at}, which is not there`, error) : error
    })
    if (info?.isSymbolicLink() !== true) return { path: at, direct: info !== undefined && !info.isFile() }
    // A link of /proc is an open file, and what it says is only its name: nothing can be made beside it. So are /dev/stdout and /dev/fd/1.
    if ((await diskSpace(dirname(at))).fsType === 'proc') return { path, direct: true }
    const next = await readlink(at)
    // Not normalized: `..` after a link is the parent of what the link leads to.
    at = isAbsolute(next) ? next : `${dirname(at)}/${next}`
  }
  throw badLink(path, 'leads in a circle')
}

/** As many as the kernel follows. */
const mostLinks = 40

function badLink(path: string, what: string, cause?: unknown): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `path: ${path} is a link that ${what}.`,
    { path: 'path', value: path },
    { cause, hint: 'Remove it, or give the path of the file itself.' },
  )
}

/**
 * Opens what is written to as it is: a pipe, a device, or a file that is open already. Neither the opening nor a pipe that is full
 * waits in a thread of the pool, where no abort would be heard.
 */
export async function openDirect(path: string): Promise<Writable> {
  if ((await stat(path)).isBlockDevice()) throw unfit(path, 'is a block device')
  const fd = await openFile(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_TRUNC)
  try {
    if (isatty(fd)) throw unfit(path, 'is a terminal')
    if (fstatSync(fd).isFIFO()) return writableTo(fd)
    // Of anything else nothing tells when it takes more.
    libc().fcntl(fd, F_SETFL, libc().fcntl(fd, F_GETFL) & ~O_NONBLOCK)
    return createWriteStream(path, { fd, highWaterMark: pieceBytes })
  } catch (error) {
    closeSync(fd)
    throw error
  }
}

function unfit(path: string, what: string): LibpodError {
  return new LibpodError(
    'invalid-argument',
    `path: ${path} ${what}, and no place for an archive.`,
    { path: 'path', value: path },
    { hint: `Give the path of a file. ${streamHint}` },
  )
}

const streamHint = 'Without a path you get a stream, which can be written to anything.'
const openFile = promisify(open)
const { O_WRONLY, O_NONBLOCK, O_NOCTTY, O_TRUNC } = constants

/** Opens a file that is not there yet. */
export function openNew(path: string): Writable {
  return createWriteStream(path, { flags: 'wx', flush: true, highWaterMark: pieceBytes })
}

const pieceBytes = 1 << 20

/** What is told of a target that could not be found, opened or written. */
export function refuseTarget(error: unknown, path: string): Error {
  if (isErrno(error, 'EISDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE'))
    return new LibpodError(
      'invalid-argument',
      `path: ${JSON.stringify(path)} is no file that can be written.`,
      { path: 'path', value: path },
      { cause: error, hint: 'Give the path of a file; it is made, or replaced.' },
    )
  if (isErrno(error, 'ENXIO'))
    return new LibpodError(
      'invalid-argument',
      `path: ${path} is a pipe that nobody reads, or a socket.`,
      { path: 'path', value: path },
      { cause: error, hint: `Start first what reads the pipe. ${streamHint}` },
    )
  if (!isErrno(error, 'ENOENT', 'ENOTDIR')) return mapFsError(error, path)
  return new LibpodError(
    'not-found',
    `path: ${path} cannot be written, because there is no folder ${dirname(path)}.`,
    { kind: 'folder', ref: dirname(path) },
    { cause: error, hint: 'Make it first.' },
  )
}
