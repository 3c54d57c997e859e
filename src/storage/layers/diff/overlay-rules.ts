import { lstatSync } from 'node:fs'
import { LibpodError } from '../../../base/errors.ts'
import { atDescriptor } from '../../../linux/fs/descriptor-path.ts'
import { getXattr } from '../../../linux/xattr.ts'
import { shownName } from '../corrupt-layer.ts'
import { opaqueWhiteout, whiteoutPrefix } from '../entry.ts'
import type { TreeFile } from '../read-entry.ts'
import type { DiffRules, Listing } from './rules.ts'
import type { ListedName, Trail } from './trail.ts'

const namespaces = ['trusted.overlay', 'user.overlay'] as const
const opaqueNames = [...namespaces.map((name) => `${name}.opaque`), 'user.fuseoverlayfs.opaque']

/** What fuse-overlayfs leaves in an opaque directory. */
const opaqueFiles = new Set<string>([opaqueWhiteout, '.wh..opq'])

/** An upper directory holds only what is new, and marks for what is deleted. */
export const overlayRules: DiffRules = {
  list(own, { entry }) {
    const values = opaqueNames.map((name) => entry.xattrs.get(name)?.toString('latin1'))
    // An `x` does not hide anything: it only says that deletions in here may be attributes of files.
    return sort(own, { opaque: values.includes('y'), markedByAttribute: values.includes('x') })
  },
  isUnchanged(file) {
    refuseHalfFile(file)
    return false
  },
}

function sort(own: Trail, marks: { readonly opaque: boolean; readonly markedByAttribute: boolean }): Listing {
  let { opaque } = marks
  const deleted: Buffer[] = []
  const present: ListedName[] = []
  for (const listed of own.list()) {
    const { name, isDirectory, isCharacterDevice } = listed
    if (isDirectory) present.push(listed)
    else if (opaqueFiles.has(name.toString('latin1'))) opaque = true
    else if (startsWith(name, `${whiteoutPrefix}${whiteoutPrefix}`)) continue
    else if (startsWith(name, whiteoutPrefix) && name.length > whiteoutPrefix.length) deleted.push(name.subarray(whiteoutPrefix.length))
    else if (isCharacterDevice && isDeletion(own.fd, name)) deleted.push(name)
    else if (marks.markedByAttribute && hasDeletionMark(own.fd, name)) deleted.push(name)
    else present.push(listed)
  }
  // The deletions of both kinds come sorted, but not together; in an opaque directory there is nothing to delete.
  return { opaque, deleted: opaque ? [] : deleted.sort(Buffer.compare), present }
}

function isDeletion(directory: number, name: Buffer): boolean {
  return lstatSync(atDescriptor(directory, name), { throwIfNoEntry: false })?.rdev === 0
}

function hasDeletionMark(directory: number, name: Buffer): boolean {
  const place = atDescriptor(directory, name)
  const stats = lstatSync(place, { throwIfNoEntry: false })
  if (stats === undefined || !stats.isFile() || stats.size > 0) return false
  return namespaces.some((namespace) => getXattr(place, `${namespace}.whiteout`) !== undefined)
}

/** The content, or the name, of such a file is that of another one, in the layers below. */
function refuseHalfFile({ entry: { name, xattrs } }: TreeFile): void {
  if (xattrs.size === 0) return
  for (const namespace of namespaces)
    for (const feature of ['metacopy', 'redirect'] as const)
      if (xattrs.has(`${namespace}.${feature}`))
        throw new LibpodError(
          'unsupported',
          `No layer can be made of this snapshot: ${shownName(name)} has overlay's ${feature} attribute, so it depends on the layers below.`,
          { what: `overlay ${feature}` },
          { hint: 'It was mounted with metacopy or redirect_dir on; mount it without.' },
        )
}

function startsWith(name: Buffer, prefix: string): boolean {
  return name.toString('latin1', 0, prefix.length) === prefix
}
