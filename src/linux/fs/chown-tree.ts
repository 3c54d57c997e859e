import { mapFsError } from './disk.ts'
import { giveTo } from './give-to.ts'
import { walkTree } from './walk-tree.ts'

/**
 * Gives a file, or a directory and everything in it, to somebody. Follows no link and crosses no mount. Synchronous: for the helper
 * process.
 */
export function chownTree(path: string, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  const chown = (file: string | Buffer): void => giveTo(file, { uid, gid })
  try {
    chown(path)
    walkTree(path, { file: chown, directory: chown, mountPoint: () => {} })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw mapFsError(error, path)
  }
}
