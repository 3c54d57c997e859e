/** What an entry of a layer is. */
export type LayerEntryType = 'file' | 'hardlink' | 'symlink' | 'character-device' | 'block-device' | 'directory' | 'fifo'

/** One entry of a layer's tarball: what its headers say. Names are bytes, because a file system knows nothing else. */
export interface LayerEntry {
  readonly type: LayerEntryType
  /** As it is written, without slashes at its end. */
  readonly name: Buffer
  /** Where a link points to, empty for anything else. */
  readonly linkName: Buffer
  /** Permissions with setuid, setgid and sticky: twelve bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: EntryTime
  /** Of a file, as it is read; a sparse one has less in the tarball. */
  readonly size: number
  /** Of a device. */
  readonly major: number
  readonly minor: number
  /** Extended attributes, byte by byte. */
  readonly xattrs: ReadonlyMap<string, Buffer>
  /** The parts of a sparse file that have data, in order; the rest is holes. */
  readonly sparse?: readonly DataRange[]
}

/** A time with its nanoseconds: a double has no room for both. */
export interface EntryTime {
  /** Since 1970; negative before. */
  readonly seconds: number
  /** 0 to 999,999,999. */
  readonly nanoseconds: number
}

/** Some bytes of a file. */
export interface DataRange {
  readonly offset: number
  readonly length: number
}

/** A file of a layer with this name before its own deletes the one of the layer below. */
export const whiteoutPrefix = '.wh.'

/** In a directory, hides everything that the layers below have in it. */
export const opaqueWhiteout = '.wh..wh..opq'
