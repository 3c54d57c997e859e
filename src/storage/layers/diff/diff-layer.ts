import { mapFsError } from '../../../linux/fs/disk.ts'
import type { LayerWarnings } from '../warnings.ts'
import { archiveOf } from './archive.ts'
import { changesOf } from './changes.ts'
import { linkedNames } from './linked-names.ts'
import { overlayRules } from './overlay-rules.ts'
import { treeRules, wholeRules } from './tree-rules.ts'

/** What a layer is made of. */
export interface DiffSource {
  /**
   * `overlay`: `own` is an upper directory, which holds nothing but changes. `trees`: `own` is a whole tree, compared with `parent`. `whole`: all of
   * `own` is new.
   */
  readonly form: 'overlay' | 'trees' | 'whole'
  readonly own: string
  /** The tree below; for `overlay` the topmost directory below, which only tells whether the top of the tree itself was changed. */
  readonly parent?: string
  /** Write sparse files in GNU's form; many readers of layers do not know it. Default: as if they had no holes. */
  readonly sparse?: boolean
}

/**
 * The changes of a snapshot as the bytes of an uncompressed layer; the same tree gives the same bytes. Synchronous, a chunk at a time: for the
 * helper process. An empty chunk only means that others may have their turn. Nothing may work in the trees meanwhile if the layer is to be
 * consistent; what changes all the same does no harm. Throws `unsupported` for an upper directory that depends on those below.
 */
export function* diffChunks({ form, own, parent, sparse = false }: DiffSource, warnings: LayerWarnings): Generator<Buffer, void> {
  try {
    if (form !== 'trees' || parent === undefined) {
      const rules = form === 'overlay' ? overlayRules : wholeRules
      const parentTop = form === 'overlay' ? parent : undefined
      yield* archiveOf(changesOf({ own, parentTop }, rules, warnings), { sparse }, warnings)
      return
    }
    const linking = linkedNames(own, parent)
    let next = linking.next()
    for (; !next.done; next = linking.next()) yield Buffer.alloc(0)
    const rules = treeRules(next.value)
    yield* archiveOf(changesOf({ own, parent, parentTop: parent }, rules, warnings), { sparse }, warnings)
  } catch (error) {
    throw mapFsError(error, own)
  }
}
