import { join } from 'node:path'
import type { EngineConfig } from '../config/engine-config.ts'
import type { RuntimeOptions } from './options.ts'

/** What the clean-up program must know to open the root as the last engine did: written into the run root by every `open`. It also pins the root there. */
export interface RootFile {
  readonly root: string
  /** Whose root it is: inside of a user namespace everybody is root. */
  readonly uid: number
  readonly options: Pick<RuntimeOptions, 'state' | 'oci' | 'monitor' | 'images' | 'helpersDir'>
  /** For tests of this project: the step at which the clean-up program is to die. */
  readonly probe?: string
}

/** Its name. */
export const rootFile = 'root.json'

export function rootFilePath(runRoot: string): string {
  return join(runRoot, rootFile)
}

/** How the clean-up program opens what was opened with these options. */
export function rootFileOf(options: RuntimeOptions, { root, uid, environment }: EngineConfig): RootFile {
  const { state, oci, monitor, images, helpersDir } = options
  return {
    root,
    uid,
    options: { ...(isShared(options) ? { state } : {}), oci, monitor, images, helpersDir },
    ...(environment.probe === undefined ? {} : { probe: environment.probe }),
  }
}

/** Whether others can open the same store. */
export function isShared({ state }: RuntimeOptions): boolean {
  return state === undefined || state === 'lmdb' || state === 'file'
}
