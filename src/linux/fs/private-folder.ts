import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { LibpodError } from '../../base/errors.ts'

/** Whose folder it has to be. */
export interface FolderUser {
  readonly uid: number
  /** Of his own group: if it has the number of the user, nobody else is in it. */
  readonly gid: number
}

const forGroup = 0o020
const forOthers = 0o002
const sticky = 0o1000

/**
 * Refuses a folder in which somebody else could put a thing of his own in the place of what is there: programs in it are run, and files in
 * it are believed. The path must be a real one, without links. Rejects with `permission-denied`.
 */
export async function requirePrivateFolder(folder: string, user: FolderUser): Promise<void> {
  const { uid, mode } = await stat(folder)
  if (uid !== user.uid) throw notPrivate(folder, folder, `belongs to the user ${uid}, not to ${user.uid}`)
  if ((mode & (forGroup | forOthers)) !== 0) throw notPrivate(folder, folder, `may be written to by others than the user ${uid}`)
  // What root's folders lie in is root's own business: administrators make such places in many ways.
  if (user.uid === 0) return
  for (let at = folder; at !== dirname(at); ) {
    at = dirname(at)
    await requireSafeParent(at, folder, user)
  }
}

/** Nobody else may rename what lies in it. */
async function requireSafeParent(parent: string, folder: string, user: FolderUser): Promise<void> {
  const { uid, gid, mode } = await stat(parent)
  if (uid !== 0 && uid !== user.uid) throw notPrivate(folder, parent, `belongs to the user ${uid}`)
  // Where each user has a group of his own, with the same number, the usual umask is 0002.
  const shared = gid === user.gid && user.gid === user.uid ? forOthers : forGroup | forOthers
  if ((mode & shared) !== 0 && (mode & sticky) === 0) throw notPrivate(folder, parent, 'may be written to by others, and is not sticky')
}

function notPrivate(folder: string, at: string, what: string): LibpodError<'permission-denied'> {
  const above = at === folder ? '' : `, and ${folder} lies in it`
  return new LibpodError(
    'permission-denied',
    `${at} ${what}${above}: somebody else could replace what is run from there.`,
    { what: at },
    {
      hint: 'Use a folder that only this user may write to, or take these rights away (chmod go-w). Without a login session, set XDG_RUNTIME_DIR.',
    },
  )
}
