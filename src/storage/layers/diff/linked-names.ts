import { lstatSync } from 'node:fs'
import { atDescriptor } from '../../../linux/fs/descriptor-path.ts'
import { Trail } from './trail.ts'

/**
 * The names whose files are linked in another way than below: names of one file that were not, or are not any more. Such
 * files have to be in a layer under all their names, even where each alone looks unchanged. Gives `undefined` now and then on its
 * way, for others to have their turn.
 */
export function* linkedNames(own: string, parent: string): Generator<undefined, ReadonlySet<string>> {
  const below = yield* inodesOf(parent, (_, links) => links > 1)
  const above = yield* inodesOf(own, (name, links) => links > 1 || below.has(name))
  const linked = new Set<string>()
  for (const names of groups(above)) if (names.length > 1 && !allAlike(names, below)) for (const name of names) linked.add(name)
  for (const names of groups(below)) {
    const left = names.filter((name) => above.has(name))
    if (!allAlike(left, above)) for (const name of left) linked.add(name)
  }
  // A file that is new under one name is new under all.
  for (const names of groups(above)) if (names.some((name) => linked.has(name))) for (const name of names) linked.add(name)
  return linked
}

/** What has its turn once in so many names. */
const burst = 256

type Wanted = (name: string, links: number) => boolean

/** The inodes of the files that are wanted, by name. */
function* inodesOf(root: string, wanted: Wanted): Generator<undefined, Map<string, bigint>> {
  const inodes = new Map<string, bigint>()
  const trail = new Trail(root)
  try {
    const levels = [{ prefix: '', names: trail.list().reverse() }]
    for (let level = levels.at(-1), count = 0; level !== undefined; level = levels.at(-1), count++) {
      if (count % burst === 0) yield
      const listed = level.names.pop()
      if (listed === undefined) {
        levels.pop()
        trail.leave()
        continue
      }
      const name = level.prefix + listed.name.toString('latin1')
      if (listed.isDirectory) {
        if (trail.enter(listed.name) === 'entered') levels.push({ prefix: `${name}/`, names: trail.list().reverse() })
        continue
      }
      const stats = lstatSync(atDescriptor(trail.fd, listed.name), { bigint: true, throwIfNoEntry: false })
      if (stats !== undefined && wanted(name, Number(stats.nlink))) inodes.set(name, stats.ino)
    }
  } finally {
    trail.close()
  }
  return inodes
}

function groups(inodes: ReadonlyMap<string, bigint>): Iterable<string[]> {
  const found = new Map<bigint, string[]>()
  for (const [name, inode] of inodes) {
    const names = found.get(inode)
    if (names === undefined) found.set(inode, [name])
    else names.push(name)
  }
  return found.values()
}

/** Whether all names mean one file; a name that is not there is a file of its own. */
function allAlike([first = '', ...rest]: readonly string[], inodes: ReadonlyMap<string, bigint>): boolean {
  const inode = inodes.get(first)
  return rest.every((name) => inode !== undefined && inodes.get(name) === inode)
}
