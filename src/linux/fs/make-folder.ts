import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isLibpodError, LibpodError } from '../../base/errors.ts'
import { isErrno } from '../errno.ts'
import { mapFsError } from './disk.ts'

/**
 * Makes a folder, with those above it, unless it is there. Not `recursive`: in /proc, and through a link that leads nowhere, Node's own
 * way never comes to an end. Calls `made` with each that was not there, the outermost first.
 */
export async function makeFolder(folder: string, mode: number, made: (folder: string) => void = () => {}): Promise<void> {
  try {
    await makeOne(folder, mode, made)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    if (!(await isThere(dirname(folder)))) await makeFolder(dirname(folder), mode, made)
    // Once more also where the one above is there: somebody else may have made it a moment ago.
    await makeOne(folder, mode, made)
  }
}

/** What is told of a folder that could not be made; `path` is the option that names it. */
export function cannotMake(error: unknown, folder: string, path: string): Error {
  const mapped = mapFsError(error, folder)
  if (isLibpodError(mapped)) return mapped
  return new LibpodError(
    'invalid-argument',
    `${path}: ${folder} cannot be made (${(error as NodeJS.ErrnoException).code ?? mapped.message}).`,
    { path, value: folder },
    { cause: error, hint: 'Give the path of a folder, or of one that can be made.' },
  )
}

async function makeOne(folder: string, mode: number, made: (folder: string) => void): Promise<void> {
  try {
    await mkdir(folder, { mode })
    made(folder)
  } catch (error) {
    if (!isErrno(error, 'EEXIST') || !(await stat(folder)).isDirectory()) throw error
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
