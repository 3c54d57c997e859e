import type { TreeFile } from '../read-entry.ts'
import type { ListedName, Trail } from './trail.ts'

/** What a directory of a tree says. */
export interface Listing {
  /** Nothing of the layers below is to be seen in it. */
  readonly opaque: boolean
  /** What the layers below have and this tree does not. */
  readonly deleted: readonly Buffer[]
  readonly present: readonly ListedName[]
}

/** How a tree tells what is new in it. */
export interface DiffRules {
  /** Reads the directory that the trails end in; `parent` is not there where the tree below has no such directory. */
  list(own: Trail, directory: TreeFile, parent: Trail | undefined): Listing
  /** Whether the layers below have this file as it is. */
  isUnchanged(file: TreeFile, below: TreeFile | undefined): boolean
}
