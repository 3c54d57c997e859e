import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LibpodError } from '../base/errors.ts'
import { mapFsError } from '../linux/fs/disk.ts'

/** The folders of an engine. */
export interface Places {
  readonly root: string
  readonly runRoot: string
  readonly owners: string
  readonly locks: string
  readonly exits: string
}

/** Makes the folders of a root, for nobody else to look into. */
export async function openPlaces(root: string, runRoot: string): Promise<Places> {
  const places = { root, runRoot, owners: join(runRoot, 'owners'), locks: join(runRoot, 'locks'), exits: join(runRoot, 'exits') }
  // A run root on a path with `'` or a newline could not be named in the exit script; nobody needs one.
  for (const [path, folder] of Object.entries({ root, runRoot })) {
    if (/[\n\0]/.test(folder)) throw new LibpodError('invalid-argument', `${path}: must not contain a newline.`, { path, value: folder })
  }
  const folders = [join(root, 'containers'), join(root, 'storage'), join(runRoot, 'containers'), places.owners, places.locks, places.exits]
  for (const folder of [root, runRoot, ...folders]) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw mapFsError(error, folder)
    }
  }
  return places
}
