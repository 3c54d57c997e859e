import type { LayerEntry } from '../entry.ts'
import type { TreeFile } from '../read-entry.ts'
import { layerXattrs } from './layer-xattrs.ts'

/** One thing that a layer changes. */
export interface Change {
  readonly entry: LayerEntry
  /** What it is in the tree; not given for a deletion. */
  readonly file?: TreeFile
  /** Of a file with content; open only until the next change is asked for. */
  readonly fd?: number
}

/** The change that a file of the tree is. */
export function changeOf(file: TreeFile): Change {
  return { entry: { ...file.entry, xattrs: layerXattrs(file.entry) }, file }
}

/** A deletion is an empty file with a name; nothing else of it counts. */
export function deletionOf(name: Buffer): Change {
  return { entry: { ...nothing, name } }
}

const nothing = {
  type: 'file',
  linkName: Buffer.alloc(0),
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  size: 0,
  major: 0,
  minor: 0,
  xattrs: new Map<string, Buffer>(),
} as const
