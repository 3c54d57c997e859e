import type { LayerEntry } from '../entry.ts'
import type { TreeFile } from '../read-entry.ts'
import { layerXattrs } from './layer-xattrs.ts'
import type { DiffRules } from './rules.ts'
import type { ListedName, Trail } from './trail.ts'

/** Everything is new. */
export const wholeRules: DiffRules = {
  list: (own) => ({ opaque: false, deleted: [], present: own.list() }),
  isUnchanged: () => false,
}

/**
 * What differs from the tree below is new. A file with the same attributes, size and time to the nanosecond has the same content. Files of which
 * other names changed, those in `linked`, are new under all names, so that they stay one file.
 */
export function treeRules(linked: ReadonlySet<string>): DiffRules {
  return {
    list(own, _, parent) {
      const present = own.list()
      return { opaque: false, deleted: parent === undefined ? [] : missing(parent, present), present }
    },
    isUnchanged: (file, below) =>
      below !== undefined && !linked.has(file.entry.name.toString('latin1')) && isSame(file.entry, below.entry) && sameTime(file, below),
  }
}

/** Whether two files are alike in everything but their times. */
export function isSame(one: LayerEntry, other: LayerEntry): boolean {
  return (
    one.type === other.type &&
    one.mode === other.mode &&
    one.uid === other.uid &&
    one.gid === other.gid &&
    one.size === other.size &&
    one.major === other.major &&
    one.minor === other.minor &&
    one.linkName.equals(other.linkName) &&
    sameXattrs(layerXattrs(one), layerXattrs(other))
  )
}

function sameTime({ entry: { mtime: one } }: TreeFile, { entry: { mtime: other } }: TreeFile): boolean {
  return one.seconds === other.seconds && one.nanoseconds === other.nanoseconds
}

function sameXattrs(one: ReadonlyMap<string, Buffer>, other: ReadonlyMap<string, Buffer>): boolean {
  return one.size === other.size && [...one].every(([name, value]) => other.get(name)?.equals(value))
}

/** Both lists are sorted. */
function missing(parent: Trail, present: readonly ListedName[]): Buffer[] {
  const there = new Set(present.map(({ name }) => name.toString('latin1')))
  return parent.list().flatMap(({ name }) => (there.has(name.toString('latin1')) ? [] : [name]))
}
