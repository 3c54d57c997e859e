import { corruptLayer } from './corrupt-layer.ts'

/** Where an entry lies in the tree. */
export interface EntryPath {
  /** Relative, without `.`, `..` and double slashes; empty for the tree itself. A character for each byte, so that it can be compared. */
  readonly key: string
  /** What system calls take: relative, `.` for the tree itself. */
  readonly path: Buffer
  /** The last component. */
  readonly base: string
}

/** What the kernel takes at most, without the NUL. */
const longestPath = 4095

/** Makes a path of a name as it stands in a tarball. One that leads out of the tree throws `corrupt`. */
export function entryPath(name: Buffer, what = 'its name'): EntryPath {
  const parts: string[] = []
  for (const part of name.toString('latin1').split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) throw corruptLayer(`${what} leads out of the tree`, { name })
  }
  if (name.length > longestPath) throw corruptLayer(`${what} is longer than any path can be`, { name })
  return pathOf(parts.join('/'))
}

/** The path with a key. */
export function pathOf(key: string): EntryPath {
  return { key, path: Buffer.from(key === '' ? '.' : key, 'latin1'), base: key.slice(key.lastIndexOf('/') + 1) }
}

/** The keys of the directories that a key lies in, the nearest first, without the tree itself. */
export function* parentKeys(key: string): Generator<string, void> {
  for (let at = key.lastIndexOf('/'); at > 0; at = key.lastIndexOf('/', at - 1)) yield key.slice(0, at)
}

/** The key of another entry in the same directory. */
export function siblingKey(key: string, base: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1) + base
}

/** The key of the directory. */
export function parentKey(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')))
}
