import { closeSync } from 'node:fs'
import { LibpodError } from '../base/errors.ts'
import { isErrno } from './errno.ts'
import { inNamespace, openNamespace } from './namespaces.ts'
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from './native/constants.ts'
import { libc } from './native/libc.ts'
import { isSameProcessSync, type ProcessIdentity } from './proc.ts'

const OPEN_TREE_CLONE = 1

/**
 * Copies the mount that a process sees at a path, whatever mount namespace it lives in; a bind mount cannot cross that border. The
 * descriptor holds the copy until {@link placeMount} puts it somewhere. Only for the helper process, on its main thread.
 */
export function copyMountOf(owner: ProcessIdentity, path: string): number {
  const namespace = openNamespace(owner.pid, 'mnt')
  try {
    // The pid may be somebody else's by now; the namespace that is open is the right one if it was not so a moment later.
    if (!isSameProcessSync(owner)) throw gone(owner)
    return inNamespace('mnt', namespace, () => libc().open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | AT_SYMLINK_NOFOLLOW))
  } catch (error) {
    if (!isErrno(error, 'ENOSYS')) throw error
    throw new LibpodError(
      'unsupported',
      'This kernel cannot take a mount from one mount namespace to another.',
      { what: 'open_tree' },
      { cause: error, hint: 'Linux 5.2 is the first that can; on this one give the container its own IPC namespace.' },
    )
  } finally {
    closeSync(namespace)
  }
}

/** Mounts a copy that is open as `fd`. */
export function placeMount(fd: number, target: string): void {
  libc().move_mount(fd, target)
}

function gone({ pid }: ProcessIdentity): LibpodError<'not-found'> {
  return new LibpodError('not-found', `There is no process ${pid} (any more).`, { kind: 'process', ref: String(pid) })
}
