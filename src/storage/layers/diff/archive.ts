import { fstatSync } from 'node:fs'
import { shownName } from '../corrupt-layer.ts'
import type { DataRange, LayerEntry } from '../entry.ts'
import { dataRanges } from '../sparse-map.ts'
import { contentSize, encodeHeader, endOfTar, paddingOf } from '../tar-writer.ts'
import type { LayerWarnings } from '../warnings.ts'
import type { Change } from './change.ts'
import { ChunkFiller } from './chunk-filler.ts'

/** Options of {@link archiveOf}. */
export interface ArchiveOptions {
  /** Write the holes of sparse files as holes, in GNU's form, where that makes the tarball smaller. */
  readonly sparse: boolean
}

/** Readers refuse more parts of one file. */
const mostRanges = 1 << 16

/** Readers refuse larger headers, so all attributes of a file together may have half of that. */
const mostXattrBytes = 1 << 19

const noBytes = Buffer.alloc(0)

/** The tarball of some changes, in chunks. An empty one only means that others may have their turn. */
export function* archiveOf(
  changes: Iterable<Change | undefined>,
  { sparse }: ArchiveOptions,
  warnings: LayerWarnings,
): Generator<Buffer, void> {
  const filler = new ChunkFiller()
  const names = new Map<string, Buffer>()
  for (const change of changes) {
    if (change === undefined) {
      yield noBytes
      continue
    }
    const { file, fd } = change
    const known = file === undefined ? undefined : names.get(file.inode)
    if (known !== undefined) {
      yield* filler.bytes(encodeHeader(linkTo(known, change.entry)))
      continue
    }
    let entry = fitting(change.entry, warnings)
    if (file !== undefined && file.links > 1 && entry.type !== 'directory') names.set(file.inode, entry.name)
    if (sparse && fd !== undefined) entry = withHoles(entry, fd, file?.diskBytes ?? 0)
    yield* filler.bytes(encodeHeader(entry))
    if (fd !== undefined) yield* contentOf(filler, entry, fd, file?.diskBytes ?? 0, warnings)
  }
  yield* filler.bytes(endOfTar)
  yield filler.rest()
}

/** A second name of a file: the first has all the rest. */
function linkTo(linkName: Buffer, entry: LayerEntry): LayerEntry {
  return { ...entry, type: 'hardlink', linkName, size: 0, major: 0, minor: 0, xattrs: new Map() }
}

function fitting(entry: LayerEntry, warnings: LayerWarnings): LayerEntry {
  if (entry.xattrs.size === 0) return entry
  const bytes = [...entry.xattrs].reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (bytes <= mostXattrBytes) return entry
  warnings.add('xattrs', `The attributes of ${shownName(entry.name)}, and perhaps of others, are left out: they are larger than 512 KiB.`)
  return { ...entry, xattrs: new Map() }
}

/** Adds the map of a sparse file if the archive becomes smaller by it. */
function withHoles(entry: LayerEntry, fd: number, diskBytes: number): LayerEntry {
  if (diskBytes >= entry.size) return entry
  const ranges: DataRange[] = []
  for (const range of dataRanges(fd, entry.size)) {
    if (ranges.length === mostRanges) return entry
    ranges.push(range)
  }
  const holey = { ...entry, sparse: ranges }
  const bytes = (of: LayerEntry): number => encodeHeader(of).length + contentSize(of) + paddingOf(contentSize(of))
  return bytes(holey) < bytes(entry) ? holey : entry
}

function* contentOf(
  filler: ChunkFiller,
  entry: LayerEntry,
  fd: number,
  diskBytes: number,
  warnings: LayerWarnings,
): Generator<Buffer, void> {
  const { size, sparse } = entry
  let missing = 0
  let at = 0
  for (const { offset, length } of sparse ?? partsOf(fd, size, diskBytes)) {
    // Holes are known without reading them.
    if (sparse === undefined) yield* filler.zeros(offset - at)
    at = offset + length
    const count = yield* filler.file(fd, offset, length)
    missing += length - count
    yield* filler.zeros(length - count)
  }
  if (sparse === undefined) yield* filler.zeros(size - at)
  if (missing > 0 || fstatSync(fd).size !== size)
    warnings.add(
      'size',
      `${shownName(entry.name)}, and perhaps others, changed while it was read: its ${size} bytes were cut or filled up.`,
    )
  yield* filler.zeros(paddingOf(contentSize(entry)))
}

/** A file that takes all the room on the disk that it may has no holes worth looking for. */
function partsOf(fd: number, size: number, diskBytes: number): Iterable<DataRange> {
  return diskBytes < size ? dataRanges(fd, size) : [{ offset: 0, length: size }]
}
