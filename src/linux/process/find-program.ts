import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrno } from '../errno.ts'

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

/** The first of some paths that is a program. */
export async function firstProgram(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isProgram(path)) return path
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

/** What the kernel says of a file that it cannot run: not of this process, which may have too much open, or too little memory. */
const faults = ['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES', 'EPERM', 'ENOEXEC', 'ELIBBAD', 'ETXTBSY']

/** Whether looking at a program, or starting it, failed because of its file: because it is gone meanwhile, or is none for this machine. */
export function isFaultOfProgram(error: unknown): error is NodeJS.ErrnoException {
  return isErrno(error, ...faults)
}
