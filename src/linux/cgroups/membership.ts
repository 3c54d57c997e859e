import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'

/** One line of `/proc/<pid>/cgroup`: in which cgroup of one tree a process is. */
export interface CgroupMembership {
  readonly version: 1 | 2
  /** v1: controllers, and the name of a named hierarchy without `name=`; empty for v2. */
  readonly controllers: readonly string[]
  /** Counted from the root of the reader's cgroup namespace. */
  readonly path: string
}

/** The cgroups of a process; `undefined` when it is gone. */
export async function readMemberships(pid: number | 'self'): Promise<CgroupMembership[] | undefined> {
  const text = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : parseMemberships(text)
}

export function parseMemberships(text: string): CgroupMembership[] {
  const memberships: CgroupMembership[] = []
  for (const line of text.split('\n')) {
    // The path may contain colons, the controllers may not.
    const match = /^(\d+):([^:]*):(.*)$/.exec(line)
    if (match?.[2] === undefined || match[3] === undefined) continue
    const controllers = match[2] === '' ? [] : match[2].split(',').map((name) => name.replace(/^name=/, ''))
    // A cgroup that was removed under its zombie says so at the end.
    memberships.push({ version: match[1] === '0' && match[2] === '' ? 2 : 1, controllers, path: match[3].replace(/ \(deleted\)$/, '') })
  }
  return memberships
}

/** The directory of a cgroup in a tree that shows its `root` at `mountPoint`. */
export function hierarchyPath({ mountPoint, root }: { readonly mountPoint: string; readonly root: string }, path: string): string {
  const inside = root !== '/' && (path === root || path.startsWith(`${root}/`)) ? path.slice(root.length) : path
  return posix.join(mountPoint, inside).replace(/(.)\/$/, '$1')
}
