import { LibpodError } from '../../base/errors.ts'
import { isErrno } from '../errno.ts'
import { libc } from '../native/libc.ts'

/** Gives a file, or a link itself, to somebody. Rejects with `unsupported` where this user namespace has no such user. */
export function giveTo(file: string | Buffer, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  try {
    libc().lchown(file, uid, gid)
  } catch (error) {
    if (!isErrno(error, 'EINVAL')) throw error
    throw new LibpodError(
      'unsupported',
      `There is no room for the owner ${uid}:${gid} in this user namespace.`,
      { what: `owner ${uid}:${gid}` },
      { hint: 'Use a user that is there, or give this one more ids in /etc/subuid and /etc/subgid.', cause: error },
    )
  }
}
