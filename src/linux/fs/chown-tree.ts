import { type BigIntStats, closeSync, constants, lstatSync, openSync, realpathSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { LibpodError } from '../../base/errors.ts'
import { isErrno } from '../errno.ts'
import { atDescriptor, O_PATH } from './descriptor-path.ts'
import { mapFsError } from './disk.ts'
import { giveTo } from './give-to.ts'
import { hostFolder } from './host-folders.ts'
import { walkTree } from './walk-tree.ts'

/**
 * Gives a file, or a directory and everything in it, to somebody. Links on the way there are followed, those in it are not, and no
 * mount is crossed. Throws `invalid-argument` for what the host or a user in `passwd` cannot do without. What is missing is fine.
 * Synchronous: for the helper process.
 */
export function chownTree(path: string, { uid, gid }: { readonly uid: number; readonly gid: number }, passwd?: string): void {
  const chown = (file: Buffer): void => giveIfThere(file, { uid, gid })
  let above: number | undefined
  try {
    const real = realpathSync(path)
    above = openSync(dirname(real), O_PATH | constants.O_DIRECTORY)
    // From here on it is that very thing, or a link that somebody put in its place a moment ago.
    const top = atDescriptor(above, basename(real) || '.')
    const stats = lstatSync(top, { bigint: true })
    refuseHostFolder(path, stats, passwd)
    chown(top)
    if (stats.isDirectory()) walkTree(top, { file: chown, directory: chown, mountPoint: () => {} })
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw mapFsError(error, path)
  } finally {
    if (above !== undefined) closeSync(above)
  }
}

/** Others may be at work in the tree: what has gone meanwhile is nobody's. */
function giveIfThere(file: Buffer, owner: { readonly uid: number; readonly gid: number }): void {
  try {
    giveTo(file, owner)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
  }
}

function refuseHostFolder(path: string, stats: BigIntStats, passwd: string | undefined): void {
  const folder = hostFolder(stats, passwd)
  if (folder === undefined) return
  throw new LibpodError(
    'invalid-argument',
    `${path} is ${folder} of the host, and is not given away.`,
    { path: 'path', value: path },
    { hint: 'Give away a folder that is made for it.' },
  )
}
