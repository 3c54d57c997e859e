import type { LayerEntry } from '../layers/entry.ts'
import { TarReader } from '../layers/tar-reader.ts'

/** An entry with its content. */
export interface CollectedEntry extends LayerEntry {
  /** Of a file, with its holes filled. */
  readonly content: Buffer
}

/** Reads a whole archive in pieces of a size. */
export function collectEntries(archive: Buffer, pieceSize = archive.length): { entries: CollectedEntry[]; ended: boolean } {
  const entries: CollectedEntry[] = []
  let open: CollectedEntry | undefined
  const reader = new TarReader({
    begin(entry) {
      if (open !== undefined) throw new Error('An entry begins inside another.')
      // A size that is only claimed is not worth its memory.
      open = { ...entry, content: Buffer.alloc(entry.size > 1 << 23 ? 0 : entry.size) }
    },
    data: (bytes, position) => void bytes.copy(open?.content ?? Buffer.alloc(0), position),
    end() {
      if (open === undefined) throw new Error('An entry ends that has not begun.')
      entries.push(open)
      open = undefined
    },
  })
  for (let at = 0; at < archive.length; at += pieceSize) reader.write(archive.subarray(at, at + pieceSize))
  reader.end()
  return { entries, ended: reader.ended }
}
