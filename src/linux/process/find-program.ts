import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Where distributions put the programs that containers need: Podman's own places last. */
export const programDirectories: readonly string[] = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/usr/local/libexec/podman',
  '/usr/local/lib/podman',
  '/usr/libexec/podman',
  '/usr/lib/podman',
]

/** The path of a program: the first of the directories that has it wins. A name with a slash in it is a path already. */
export async function findProgram(name: string, directories: readonly string[] = programDirectories): Promise<string | undefined> {
  if (name.includes('/')) return (await isProgram(name)) ? name : undefined
  for (const directory of directories) {
    const path = join(directory, name)
    if (await isProgram(path)) return path
  }
  return undefined
}

/** Whether a path is a file that this process may run. */
async function isProgram(path: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isFile()) return false
    await access(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
