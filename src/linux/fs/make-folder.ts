import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isErrno } from '../errno.ts'

/**
 * Makes a folder, with those above it, unless it is there. Not `recursive`: in /proc, and through a link that leads nowhere, Node's own
 * way never comes to an end.
 */
export async function makeFolder(folder: string, mode: number): Promise<void> {
  try {
    await mkdir(folder, { mode })
  } catch (error) {
    if (isErrno(error, 'ENOENT') && !(await isThere(dirname(folder)))) {
      await makeFolder(dirname(folder), mode)
      // Another engine may have been here meanwhile.
      return makeFolder(folder, mode)
    }
    if (!isErrno(error, 'EEXIST') || !(await stat(folder)).isDirectory()) throw error
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
