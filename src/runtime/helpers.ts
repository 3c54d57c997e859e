import { access } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LibpodError } from '../base/errors.ts'

/** Where the programs of this package lie. */
export interface HelperPrograms {
  readonly helper: string
  readonly cleanup: string
}

/** Finds the helper programs: in the folder that was named, or beside this file (and, from its sources, in `dist`). */
export async function findHelpers(helpersDir: string | undefined): Promise<HelperPrograms> {
  const here = dirname(fileURLToPath(import.meta.url))
  const folders =
    helpersDir === undefined ? [join(here, 'helpers'), join(here, '../helpers'), join(here, '../../dist/helpers')] : [helpersDir]
  for (const folder of folders) {
    const programs = { helper: join(folder, 'helper.js'), cleanup: join(folder, 'cleanup.js') }
    if (await areThere(Object.values(programs))) return programs
  }
  throw new LibpodError(
    'unavailable',
    `The helper programs of libpod-ts are not in ${folders.join(' or ')}.`,
    { what: 'helper.js' },
    {
      hint: 'A host that is bundled copies the folder dist/helpers of this package and passes its path as helpersDir.',
    },
  )
}

async function areThere(paths: readonly string[]): Promise<boolean> {
  return Promise.all(paths.map((path) => access(path))).then(
    () => true,
    () => false,
  )
}
