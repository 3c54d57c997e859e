import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { isLibpodError, LibpodError } from '../base/errors.ts'
import { mapFsError } from '../linux/fs/disk.ts'
import { spreadFolders } from '../linux/fs/inode-flags.ts'
import { makeFolder } from '../linux/fs/make-folder.ts'
import { requirePrivateFolder } from '../linux/fs/private-folder.ts'

/** The folders of an engine. */
export interface Places {
  readonly root: string
  readonly runRoot: string
  readonly owners: string
  readonly locks: string
  readonly exits: string
}

/** Makes the folders of a root, for nobody else to look into. Rejects with `permission-denied` if somebody else may write to them. */
export async function openPlaces(root: string, runRoot: string): Promise<Places> {
  const places = { root, runRoot, owners: join(runRoot, 'owners'), locks: join(runRoot, 'locks'), exits: join(runRoot, 'exits') }
  // A newline could not be named in the exit script, and conmon and crun take what follows a colon for something else.
  for (const [path, folder] of Object.entries({ root, runRoot })) {
    const what = /[\n\0]/.test(folder) ? 'a newline' : folder.includes(':') ? 'a colon' : undefined
    if (what === undefined) continue
    const hint = 'Give the path of another folder.'
    throw new LibpodError('invalid-argument', `${path}: must not contain ${what}.`, { path, value: folder }, { hint })
  }
  const ofMany = ['containers', 'volumes'].map((name) => join(root, name))
  const folders = [...ofMany, join(root, 'storage'), join(runRoot, 'containers'), places.owners, places.locks, places.exits]
  const user = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  for (const folder of [root, runRoot, ...folders]) {
    try {
      await makeFolder(folder, 0o700)
      // Others can come first, where everybody may make folders; what is in these is believed, and run.
      if (folder === root || folder === runRoot) await requirePrivateFolder(await realpath(folder), user)
    } catch (error) {
      throw refusePlace(error, folder, folder === runRoot || folder.startsWith(`${runRoot}/`) ? 'runRoot' : 'root')
    }
  }
  for (const folder of ofMany) spreadFolders(folder)
  return places
}

function refusePlace(error: unknown, folder: string, option: 'root' | 'runRoot'): Error {
  const mapped = mapFsError(error, folder)
  if (isLibpodError(mapped)) return mapped
  return new LibpodError(
    'invalid-argument',
    `${option}: ${folder} cannot be made (${(error as NodeJS.ErrnoException).code ?? mapped.message}).`,
    { path: option, value: folder },
    { cause: error, hint: 'Give the path of a folder, or of one that can be made.' },
  )
}
