import { createWriteStream } from 'node:fs'
import { lstat, readlink } from 'node:fs/promises'
import { dirname, isAbsolute } from 'node:path'
import type { Writable } from 'node:stream'
import { LibpodError } from '../base/errors.ts'
import { isErrno } from '../linux/errno.ts'
import { diskSpace, mapFsError } from '../linux/fs/disk.ts'

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

/** Opens what is written to as it is: a pipe, a device, or a file that is open already. */
export async function openDirect(path: string): Promise<Writable> {
  return createWriteStream(path, { flags: 'w', highWaterMark: pieceBytes })
}

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
  if (!isErrno(error, 'ENOENT', 'ENOTDIR')) return mapFsError(error, path)
  return new LibpodError(
    'not-found',
    `path: ${path} cannot be written, because there is no folder ${dirname(path)}.`,
    { kind: 'folder', ref: dirname(path) },
    { cause: error, hint: 'Make it first.' },
  )
}
