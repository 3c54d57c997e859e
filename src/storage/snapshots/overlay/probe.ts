import { lstatSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { removeTree } from '../../../linux/fs/remove-tree.ts'
import { mount, unmount } from '../../../linux/mounts.ts'
import { getXattr } from '../../../linux/xattr.ts'
import type { OverlayProbe } from '../tree-work.ts'
import { overlayOptions } from './overlay-options.ts'

/**
 * Mounts a small overlay in `directory` and does what containers do: a mount that succeeds may still fail at the removal
 * of a directory. Changes mounts for a moment, so it is for the helper process.
 */
export function probeOverlay(directory: string): OverlayProbe {
  const first = tryOverlay(directory, false)
  if (first === undefined) return { works: true, userxattr: false }
  const second = tryOverlay(directory, true)
  return second === undefined ? { works: true, userxattr: true } : { works: false, reason: first }
}

/** Why it does not work, if it does not. */
function tryOverlay(directory: string, userxattr: boolean): string | undefined {
  const place = mkdtempSync(join(directory, 'overlay-probe-'))
  const merged = join(place, 'merged')
  let mounted = false
  try {
    for (const name of ['lower', 'lower/directory', 'base', 'upper', 'work', 'merged']) mkdirSync(join(place, name))
    writeFileSync(join(place, 'lower/directory/file'), '')
    writeFileSync(join(place, 'lower/file'), '')
    const options = ['lowerdir=lower:base', 'upperdir=upper', 'workdir=work', 'volatile', ...overlayOptions(userxattr)]
    mount({ type: 'overlay', source: 'overlay', target: merged, options, workdir: place })
    mounted = true
    unlinkSync(join(merged, 'file'))
    unlinkSync(join(merged, 'directory/file'))
    rmdirSync(join(merged, 'directory'))
    mkdirSync(join(merged, 'directory'))
    if (readdirSync(merged).join() !== 'directory') return 'a removed file is still there'
    if (!lstatSync(join(place, 'upper/file')).isCharacterDevice()) return 'deletions are not stored as devices'
    const opaque = userxattr ? 'user.overlay.opaque' : 'trusted.overlay.opaque'
    if (getXattr(join(place, 'upper/directory'), opaque)?.toString() !== 'y') return 'emptied directories are not marked'
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    if (mounted) unmount(merged, { detach: true })
    removeTree(place)
  }
}
