import { lstatSync, readdirSync } from 'node:fs'
import { libc } from '../../linux/native/libc.ts'
import { setXattr } from '../../linux/xattr.ts'
import type { ExtractTarget } from '../snapshotter.ts'
import { corruptLayer } from './corrupt-layer.ts'
import { opaqueWhiteout, whiteoutPrefix } from './entry.ts'
import { type EntryPath, parentKey, parentKeys, pathOf, siblingKey } from './entry-path.ts'
import type { TreePlaces } from './tree-places.ts'

/** How the deletions that a layer lists are carried out. They concern the layers below, never what this layer itself brings. */
export interface Whiteouts {
  /** The layer has something at this place. */
  bring(place: EntryPath): void
  /** Hides what the layers below have at a place. */
  hide(place: EntryPath): void
  /** Hides what the layers below have in a directory. */
  hideContent(directory: EntryPath): void
}

/** What a name says besides being one. */
export type Meaning =
  | { readonly is: 'entry' }
  /** Left by aufs; of no use. */
  | { readonly is: 'nothing' }
  | { readonly is: 'whiteout' | 'opaque'; readonly place: EntryPath }

const auxiliaryPrefix = `${whiteoutPrefix}${whiteoutPrefix}`

/** Tells whiteouts from entries. */
export function meaningOf({ key, base }: EntryPath): Meaning {
  if (!key.includes(whiteoutPrefix)) return { is: 'entry' }
  const name = Buffer.from(key, 'latin1')
  for (const part of parentKey(key).split('/')) {
    if (part.startsWith(auxiliaryPrefix)) return { is: 'nothing' }
    if (part.startsWith(whiteoutPrefix)) throw corruptLayer('it lies in a whiteout, which is no directory', { name })
  }
  if (base === opaqueWhiteout) return { is: 'opaque', place: pathOf(parentKey(key)) }
  if (base.startsWith(auxiliaryPrefix)) return { is: 'nothing' }
  if (!base.startsWith(whiteoutPrefix)) return { is: 'entry' }
  const hidden = base.slice(whiteoutPrefix.length)
  if (hidden === '' || hidden === '.' || hidden === '..') throw corruptLayer('it is a whiteout of nothing', { name })
  return { is: 'whiteout', place: pathOf(siblingKey(key, hidden)) }
}

/** The whiteouts of a target. */
export function whiteoutsFor({ whiteouts, opaqueXattr = 'trusted.overlay.opaque' }: ExtractTarget, places: TreePlaces): Whiteouts {
  return whiteouts === 'overlay' ? new OverlayWhiteouts(places, opaqueXattr) : new AppliedWhiteouts(places)
}

/** Notes for overlay: the tree holds only what this layer brings. */
class OverlayWhiteouts implements Whiteouts {
  readonly #places: TreePlaces
  readonly #opaqueXattr: string

  constructor(places: TreePlaces, opaqueXattr: string) {
    this.#places = places
    this.#opaqueXattr = opaqueXattr
  }

  bring(): void {}

  hide(place: EntryPath): void {
    const there = lstatSync(place.path, { throwIfNoEntry: false })
    if (there?.isDirectory()) this.hideContent(place)
    // Anything else hides what is below just by being there.
    else if (there === undefined) this.#places.make(place, () => libc().mknod(place.path, S_IFCHR, 0))
  }

  hideContent(directory: EntryPath): void {
    this.#places.makeDirectories(directory)
    if (lstatSync(directory.path).isDirectory()) setXattr(directory.path, this.#opaqueXattr, Buffer.from('y'))
  }
}

/** Deletions in a tree that holds what the layers below have. */
class AppliedWhiteouts implements Whiteouts {
  readonly #places: TreePlaces
  /** The keys of what this layer brought, and of the directories above it. */
  readonly #brought = new Set<string>()

  constructor(places: TreePlaces) {
    this.#places = places
  }

  bring({ key }: EntryPath): void {
    this.#brought.add(key)
    for (const parent of parentKeys(key)) {
      if (this.#brought.has(parent)) return
      this.#brought.add(parent)
    }
  }

  hide(place: EntryPath): void {
    if (this.#brought.has(place.key)) this.hideContent(place)
    else this.#places.clear(place)
  }

  hideContent({ key, path }: EntryPath): void {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) return
    const prefix = key === '' ? '' : `${key}/`
    for (const name of readdirSync(path, { encoding: 'buffer' })) this.hide(pathOf(prefix + name.toString('latin1')))
  }
}

const S_IFCHR = 0o020000
