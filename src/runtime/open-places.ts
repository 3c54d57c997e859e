import { realpath, rmdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { LibpodError } from '../base/errors.ts'
import { spreadFolders } from '../linux/fs/inode-flags.ts'
import { cannotMake, makeFolder } from '../linux/fs/make-folder.ts'
import { requirePrivateFolder } from '../linux/fs/private-folder.ts'
import { stateFile } from './claim-state.ts'
import { refuseForeign } from './refuse-foreign.ts'
import { rootFile } from './root-file.ts'

/** The folders of an engine. */
export interface Places {
  readonly root: string
  readonly runRoot: string
  readonly owners: string
  readonly locks: string
  readonly exits: string
}

/**
 * Makes the folders of a root, for nobody else to look into. Gives their real paths, so that one place has one name however it was
 * asked for. Rejects with `permission-denied` if somebody else may write to them, with `conflict` if they are another program's, and leaves none
 * that it has made.
 */
export async function openPlaces(asked: string, askedRun: string): Promise<Places> {
  // A newline could not be named in the exit script, and conmon and crun take what follows a colon for something else.
  for (const [path, folder] of Object.entries({ root: asked, runRoot: askedRun })) {
    const what = /[\n\0]/.test(folder) ? 'a newline' : folder.includes(':') ? 'a colon' : undefined
    if (what === undefined) continue
    const hint = 'Give the path of another folder.'
    throw new LibpodError('invalid-argument', `${path}: must not contain ${what}.`, { path, value: folder }, { hint })
  }
  // Before anything is made, and again when it is seen where links lead.
  refuseNested(resolve(asked), resolve(askedRun))
  const made: string[] = []
  try {
    return await makePlaces({ asked, askedRun, made: (folder) => made.unshift(folder) })
  } catch (error) {
    // One that is not empty is somebody else's by now.
    for (const folder of made) await rmdir(folder).catch(() => {})
    throw error
  }
}

interface WantedPlaces {
  readonly asked: string
  readonly askedRun: string
  readonly made: Made
}

/** Is told of each folder that was not there. */
type Made = (folder: string) => void

async function makePlaces({ asked, askedRun, made }: WantedPlaces): Promise<Places> {
  const root = await openTop(asked, 'root', made)
  const runRoot = await openTop(askedRun, 'runRoot', made)
  refuseNested(root, runRoot)
  await refuseForeign(root, { option: 'root', mark: stateFile, folders: ['containers', 'volumes', 'storage'] })
  await refuseForeign(runRoot, { option: 'runRoot', mark: rootFile, folders: ['containers', 'exits', 'owners', 'locks'] })
  const places = { root, runRoot, owners: join(runRoot, 'owners'), locks: join(runRoot, 'locks'), exits: join(runRoot, 'exits') }
  const ofMany = ['containers', 'volumes'].map((name) => join(root, name))
  for (const folder of [...ofMany, join(root, 'storage')]) await make(folder, 'root', made)
  for (const folder of [join(runRoot, 'containers'), places.owners, places.locks, places.exits]) await make(folder, 'runRoot', made)
  for (const folder of ofMany) spreadFolders(folder)
  return places
}

/** Others can come first, where everybody may make folders; what is in these is believed, and run. */
async function openTop(folder: string, option: 'root' | 'runRoot', made: Made): Promise<string> {
  await make(folder, option, made)
  const real = await realpath(folder)
  await requirePrivateFolder(real, { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 })
  return real
}

async function make(folder: string, option: 'root' | 'runRoot', made: Made): Promise<void> {
  await makeFolder(folder, 0o700, made).catch((error: unknown) => {
    throw cannotMake(error, folder, option)
  })
}

/** What is in one of them would be taken for a part of the other. */
function refuseNested(root: string, runRoot: string): void {
  const what =
    runRoot === root ? 'be the root' : isIn(runRoot, root) ? 'lie in the root' : isIn(root, runRoot) ? 'contain the root' : undefined
  if (what === undefined) return
  throw new LibpodError(
    'invalid-argument',
    `runRoot: must not ${what}${runRoot === root ? '' : ` ${root}`}.`,
    { path: 'runRoot', value: runRoot },
    { hint: 'Use a folder of its own, best on tmpfs.' },
  )
}

function isIn(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}
