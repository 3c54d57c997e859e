import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LibpodError } from '../base/errors.ts'

/** How a folder of an engine is known. */
export interface OwnFolder {
  /** The option that names it. */
  readonly option: 'root' | 'runRoot'
  /** A file that every engine writes into it, before there is anything in the folders below. */
  readonly mark: string
  /** The folders in which recovery takes away what nobody knows. */
  readonly folders: readonly string[]
}

/**
 * Refuses a folder with contents that are not an engine's of ours: that of Docker, as an example, has `containers` and `volumes` too, and what
 * is in them would be taken for leftovers.
 */
export async function refuseForeign(folder: string, { option, mark, folders }: OwnFolder): Promise<void> {
  if (await isThere(join(folder, mark))) return
  for (const name of folders) {
    const entries = (await readdir(join(folder, name)).catch(() => [])).filter(isSomething)
    // Another engine may have claimed it meanwhile, and be at work.
    if (entries.length === 0 || (await isThere(join(folder, mark)))) continue
    throw new LibpodError(
      'conflict',
      `${option}: ${folder} is not a folder of this library, and there is something in its folder ${name} already.`,
      { what: folder },
      { hint: 'Give it a folder of its own, not one of Docker or Podman.' },
    )
  }
}

/** A disk of its own may be mounted there, with what file systems bring. */
function isSomething(name: string): boolean {
  return name !== 'lost+found' && !name.startsWith('.')
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
