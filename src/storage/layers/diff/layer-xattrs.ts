import type { LayerEntry } from '../entry.ts'

/** What overlay and fuse-overlayfs keep about their own directories. */
const markers = /^(trusted|user)\.(overlay|fuseoverlayfs)\./

/** Labels and hashes that the security modules of this machine put on files: another has its own. */
const local = /^security\.(?!capability$)/

/** The attributes of a file that belong into a layer. */
export function layerXattrs({ xattrs }: LayerEntry): ReadonlyMap<string, Buffer> {
  if (xattrs.size === 0) return xattrs
  return new Map([...xattrs].filter(([name]) => !markers.test(name) && !local.test(name)))
}
