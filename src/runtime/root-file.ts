import { join } from 'node:path'
import type { RuntimeOptions } from './options.ts'

/** What the clean-up program must know to open the root as the last engine did: written into the run root by every `open`. */
export interface RootFile {
  readonly root: string
  /** Whose root it is: inside of a user namespace everybody is root. */
  readonly uid: number
  readonly options: Pick<RuntimeOptions, 'state' | 'oci' | 'monitor' | 'images' | 'helpersDir'>
  /** For tests of this project: the step at which the clean-up program is to die. */
  readonly probe?: string
}

export function rootFilePath(runRoot: string): string {
  return join(runRoot, 'root.json')
}
