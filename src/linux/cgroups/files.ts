import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Reads a file of a cgroup; `undefined` when the cgroup or the file is not there. */
export async function readControl(directory: string | undefined, file: string): Promise<string | undefined> {
  if (directory === undefined) return undefined
  try {
    return await readFile(join(directory, file), 'utf8')
  } catch (error) {
    if (isGone(error) || (error as NodeJS.ErrnoException).code === 'EOPNOTSUPP') return undefined
    throw error
  }
}

/** Writes to a file of a cgroup, which must be there. */
export async function writeControl(directory: string, file: string, value: string): Promise<void> {
  // Never O_CREAT: in a directory that is no cgroup it would make a plain file and seem to work.
  await writeFile(join(directory, file), value, { flag: 'r+' })
}

/** A cgroup and all below it, children before their parents. Empty when there is no such cgroup. */
export async function subtree(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true })
    const children = await Promise.all(entries.filter((entry) => entry.isDirectory()).map((entry) => subtree(join(directory, entry.name))))
    return [...children.flat(), directory]
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

/** ENODEV is what a file says whose cgroup was removed while it was open. */
export function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENODEV'
}

/** The lines `key value` of a file such as `memory.stat`. */
export function parseFlatKeyed(text: string | undefined): ReadonlyMap<string, number> {
  const values = new Map<string, number>()
  for (const line of (text ?? '').split('\n')) {
    const at = line.lastIndexOf(' ')
    if (at > 0) values.set(line.slice(0, at), Number(line.slice(at + 1)))
  }
  return values
}
