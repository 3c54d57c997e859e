import { chmodSync, closeSync, constants, lstatSync, openSync, rmdirSync, unlinkSync } from 'node:fs'
import { LibpodError } from '../../base/errors.ts'
import { atDescriptor, mountIdOf, O_PATH } from './descriptor-path.ts'
import { mapFsError } from './disk.ts'
import { clearProtection } from './inode-flags.ts'
import { walkTree } from './walk-tree.ts'

/** Somebody may still put things into a tree that is being removed; so often it is begun anew. */
const attempts = 4

/**
 * Removes whatever is at `path`: a file, a link (never what it points to), or a tree of any depth, of odd modes, with
 * immutable files. Does not cross mounts: a tree with something mounted in it is `in-use`. What is missing is fine.
 * Synchronous: for the helper process.
 */
export function removeTree(path: string | Buffer): void {
  try {
    for (let attempt = 1; !removeOnce(path); attempt++) if (attempt === attempts) throw growing(path.toString())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw mapFsError(error, path.toString())
  }
}

/** Gives `false` when something was put in meanwhile. */
function removeOnce(root: string | Buffer): boolean {
  try {
    if (!lstatSync(root).isDirectory()) {
      remove(unlinkSync, Buffer.from(root))
      return true
    }
    if (isMountPoint(root)) throw mounted(root.toString())
    walkTree(root, {
      file: (path, parent) => remove(unlinkSync, path, parent),
      directory: (path, parent) => remove(rmdirSync, path, parent),
      mountPoint: () => {
        throw mounted(root.toString())
      },
      locked: openUp,
    })
    remove(rmdirSync, Buffer.from(root))
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EISDIR' || code === 'ENOTDIR') return false
    if (code === 'EBUSY') throw mounted(root.toString(), error)
    throw error
  }
}

/** What stands in the way is put right, in the tree itself and never above it. */
function remove(call: (path: Buffer) => void, path: Buffer, parent?: Buffer): void {
  try {
    call(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    if (code === 'EACCES' && parent !== undefined) chmodSync(parent, 0o700)
    else if (code === 'EPERM') {
      if (parent !== undefined) clearProtection(parent, { follow: true })
      clearProtection(path)
    } else throw error
    call(path)
  }
}

/** Gives the owner all rights on a directory, and on the one it is in, without following a link. */
function openUp(path: Buffer, parent: Buffer | undefined): void {
  if (parent !== undefined) chmodSync(parent, 0o700)
  const fd = openSync(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    chmodSync(atDescriptor(fd), 0o700)
  } finally {
    closeSync(fd)
  }
}

/** From the top of a mount `..` leads into the mount below. */
function isMountPoint(directory: string | Buffer): boolean {
  const mounts = [directory, Buffer.concat([Buffer.from(directory), Buffer.from('/..')])].map((path) => {
    const fd = openSync(path, O_PATH | constants.O_DIRECTORY)
    try {
      return mountIdOf(fd)
    } finally {
      closeSync(fd)
    }
  })
  return mounts[0] !== mounts[1]
}

function mounted(root: string, cause?: unknown): LibpodError {
  return new LibpodError(
    'in-use',
    `${root} cannot be removed: something is mounted in it.`,
    { kind: 'directory', ref: root, users: [] },
    { cause, hint: `Unmount it first: findmnt -R ${root} shows what it is.` },
  )
}

function growing(root: string): LibpodError {
  return new LibpodError(
    'conflict',
    `${root} cannot be removed: something is put into it again and again.`,
    { what: root },
    { hint: 'End the process that writes there.' },
  )
}
