import type { LayerEntry } from '../entry.ts'
import type { LayerWarnings } from '../warnings.ts'
import type { Change } from './change.ts'
import type { DiffRules } from './rules.ts'
import { Trail } from './trail.ts'
import { isSame } from './tree-rules.ts'
import { Walk } from './walk.ts'

/** The trees that are compared. */
export interface ComparedTrees {
  readonly own: string
  /** What is compared with, directory by directory. */
  readonly parent?: string | undefined
  /** The directory whose top is the top below; nothing means that the top itself is new. */
  readonly parentTop?: string | undefined
}

/**
 * What is new in a tree: each directory before what is in it, also where nothing else of the directory is new; names sorted by their bytes, deletions before
 * everything else in their directory. A top that has only another time is not new. Gives `undefined` now and then where there is nothing to tell.
 */
export function* changesOf(trees: ComparedTrees, rules: DiffRules, warnings: LayerWarnings): Generator<Change | undefined, void> {
  const walk = new Walk(trees, rules, warnings)
  try {
    const { top } = walk
    if (top !== undefined) yield* walk.changes({ topIsNew: isNew(top.entry, trees.parentTop) })
  } finally {
    walk.close()
  }
}

function isNew(top: LayerEntry, parent: string | undefined): boolean {
  if (parent === undefined) return true
  const trail = new Trail(parent)
  try {
    const below = trail.top()
    return below === undefined || !isSame(top, below.entry)
  } finally {
    trail.close()
  }
}
