import { readFileInside } from './fs/contained-path.ts'

/** Names of users and groups by their numbers, as the files of one root have them. */
export interface AccountNames {
  /** The name, or the number as text. */
  user(uid: number): string
  group(gid: number): string
}

/** Reads `/etc/passwd` and `/etc/group` below a root that may be a stranger's. */
export function readAccountNames(root: string): AccountNames {
  const users = parseNames(readText(root, '/etc/passwd'))
  const groups = parseNames(readText(root, '/etc/group'))
  return { user: (uid) => users.get(uid) ?? String(uid), group: (gid) => groups.get(gid) ?? String(gid) }
}

/** Lines `name:password:number:…`; the first line with a number counts. */
export function parseNames(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>()
  for (const line of text.split('\n')) {
    const [name, , number] = line.split(':')
    if (name === undefined || name === '' || name.startsWith('#') || number === undefined || !/^\d+$/.test(number)) continue
    if (!names.has(Number(number))) names.set(Number(number), name)
  }
  return names
}

/** A missing, unreadable or absurd file only means numbers instead of names. */
function readText(root: string, path: string): string {
  try {
    return readFileInside(root, path)?.toString() ?? ''
  } catch {
    return ''
  }
}
