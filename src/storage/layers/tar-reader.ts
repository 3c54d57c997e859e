import { corruptLayer } from './corrupt-layer.ts'
import type { DataRange, LayerEntry, LayerEntryType } from './entry.ts'
import { ExtendedHeaders } from './extended-headers.ts'
import { blockSize, isZeroBlock, parseHeader, type TarHeader } from './header.ts'
import { mostRanges, oldSparseNumbers, oldSparseSize, rangesOf, SparseMapReader, sparseNumbers } from './sparse.ts'

/** Who is handed the entries of a tarball, one after the other. Buffers are good only during the call. */
export interface EntrySink {
  begin(entry: LayerEntry): void
  /** Some of a file's content; `position` jumps over holes. */
  data(bytes: Buffer, position: number): void
  /** The entry that was begun is complete. */
  end(): void
}

const types: ReadonlyMap<string, LayerEntryType> = new Map([
  ['0', 'file'],
  ['7', 'file'],
  ['S', 'file'],
  ['1', 'hardlink'],
  ['2', 'symlink'],
  ['3', 'character-device'],
  ['4', 'block-device'],
  ['5', 'directory'],
  ['6', 'fifo'],
])

/** The ids that the kernel takes for "leave it as it is", and what is above them. */
const firstBadId = 0xffffffff

/** What the next bytes are. */
type State =
  | { readonly is: 'header' | 'ended' }
  | { readonly is: 'record'; readonly flag: string; readonly data: Buffer; filled: number; padding: number }
  | { readonly is: 'extension'; readonly header: TarHeader; readonly size: number; readonly numbers: number[] }
  | { readonly is: 'map'; readonly header: TarHeader; readonly map: SparseMapReader; left: number }
  | { readonly is: 'data'; readonly ranges: readonly DataRange[]; index: number; within: number; left: number; readonly padding: number }
  | { readonly is: 'skip'; left: number }

/**
 * Reads a tarball as it comes, in pieces of any size: ustar, POSIX (pax) and GNU headers, the sparse files of GNU in all their forms, and
 * what came before all of them. Throws `corrupt`. A zero block is the end; as with tar, what follows does not matter.
 */
export class TarReader {
  readonly #sink: EntrySink
  readonly #extended = new ExtendedHeaders()
  readonly #block = Buffer.alloc(blockSize)
  #filled = 0
  #state: State = { is: 'header' }
  #offset = 0
  /** Where the last header block begins. */
  #start = 0
  #name: Buffer | undefined

  constructor(sink: EntrySink) {
    this.#sink = sink
  }

  /** Whether the end was marked; the last bytes of some archives are missing. */
  get ended(): boolean {
    return this.#state.is === 'ended'
  }

  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.#state.is !== 'ended'; ) {
      const used = this.#take(chunk, at)
      at += used
      this.#offset += used
    }
  }

  /** No more bytes come. An archive may lack its end, also the padding of its last entry (umoci leaves that out), but nothing of an entry. */
  end(): void {
    if (this.ended || (this.#state.is === 'skip' && this.#state.left < blockSize)) return
    if (this.#state.is !== 'header' || this.#filled > 0 || this.#extended.pending)
      throw corruptLayer('it is cut off', { name: this.#name, offset: this.#offset })
  }

  /** Takes some bytes from `at` on and says how many. */
  #take(chunk: Buffer, at: number): number {
    const state = this.#state
    if (state.is === 'data') return this.#takeData(state, chunk, at)
    if (state.is === 'record') return this.#takeRecord(state, chunk, at)
    if (state.is === 'skip') return this.#takeSkipped(state, chunk, at)
    const available = chunk.length - at
    if (this.#filled === 0) this.#start = this.#offset
    if (this.#filled === 0 && available >= blockSize) {
      this.#takeBlock(chunk.subarray(at, at + blockSize))
      return blockSize
    }
    const used = chunk.copy(this.#block, this.#filled, at, at + blockSize - this.#filled)
    this.#filled += used
    if (this.#filled === blockSize) {
      this.#filled = 0
      this.#takeBlock(this.#block)
    }
    return used
  }

  #takeBlock(block: Buffer): void {
    const state = this.#state
    if (state.is === 'header') this.#takeHeader(block)
    else if (state.is === 'extension') this.#takeExtension(state, block)
    else if (state.is === 'map') this.#takeMap(state, block)
  }

  #takeHeader(block: Buffer): void {
    if (isZeroBlock(block)) {
      if (this.#extended.pending) throw this.#corrupt('it ends after a header that belongs to an entry')
      this.#state = { is: 'ended' }
      return
    }
    this.#name = undefined
    const header = this.#check(parseHeader(block))
    const { typeFlag, size } = header
    if (size < 0) throw this.#corrupt('the size of an entry is negative')
    if (this.#extended.has(typeFlag)) this.#beginRecord(typeFlag, size)
    // A volume's label is of no use here.
    else if (typeFlag === 'V') this.#skip(size + paddingOf(size))
    else this.#beginEntry(header, block)
  }

  #beginRecord(flag: string, size: number): void {
    if (!this.#extended.reserve(flag, size)) throw this.#corrupt('its headers are larger than 1 MiB')
    const state: State = { is: 'record', flag, data: Buffer.alloc(size), filled: 0, padding: paddingOf(size) }
    this.#state = state
    if (size === 0) this.#endRecord(state)
  }

  #takeRecord(state: Extract<State, { is: 'record' }>, chunk: Buffer, at: number): number {
    const { data } = state
    if (state.filled < data.length) {
      const used = chunk.copy(data, state.filled, at)
      state.filled += used
      if (state.filled === data.length && state.padding === 0) this.#endRecord(state)
      return used
    }
    const used = Math.min(state.padding, chunk.length - at)
    state.padding -= used
    if (state.padding === 0) this.#endRecord(state)
    return used
  }

  #endRecord({ flag, data }: Extract<State, { is: 'record' }>): void {
    this.#state = { is: 'header' }
    const problem = this.#extended.take(flag, data)
    if (problem !== undefined) throw this.#corrupt(problem)
  }

  /** Applies what the headers before say, and finds out whether the file is sparse. */
  #beginEntry(first: TarHeader, block: Buffer): void {
    const header = this.#extended.completed(first)
    this.#name = header.name
    const { typeFlag, size } = header
    if (typeFlag === 'S') {
      const numbers = this.#check(oldSparseNumbers(block, 'header'))
      const whole = oldSparseSize(block)
      if (whole === undefined || whole < 0) throw this.#corrupt('the size of a sparse file is no number')
      if (numbers.more) this.#state = { is: 'extension', header, size: whole, numbers: numbers.numbers }
      else this.#begin(header, whole, numbers.numbers)
      return
    }
    const { sparse } = this.#extended.records
    const { major, size: whole = size } = sparse
    if (types.get(typeFlag) !== 'file') this.#begin(header)
    else if (major === undefined || major === 0) this.#begin(header, whole, this.#check(sparseNumbers(sparse)))
    else if (major !== 1 || sparse.minor !== 0) throw this.#corrupt('it has a sparse file of a form that is not known')
    else this.#state = { is: 'map', header, map: new SparseMapReader(), left: size }
  }

  #takeExtension({ header, size, numbers }: Extract<State, { is: 'extension' }>, block: Buffer): void {
    const next = this.#check(oldSparseNumbers(block, 'extension'))
    numbers.push(...next.numbers)
    // The map is checked for its length at the end, so it must not grow without one.
    if (numbers.length > mostRanges * 2) throw this.#corrupt('a sparse file has too many parts')
    if (!next.more) this.#begin(header, size, numbers)
  }

  #takeMap(state: Extract<State, { is: 'map' }>, block: Buffer): void {
    const { header, map } = state
    state.left -= blockSize
    const complete = this.#check(map.add(block))
    if (state.left < 0) throw this.#corrupt('the map of a sparse file is larger than its content')
    if (!complete) return
    const whole = this.#extended.records.sparse.size
    if (whole === undefined) throw this.#corrupt('a sparse file has no size')
    this.#begin({ ...header, size: state.left }, whole, map.numbers)
  }

  /** Hands the entry over; `numbers` are the map of a sparse file. */
  #begin(header: TarHeader, size = header.size, numbers?: readonly number[]): void {
    const { name, linkName, mode, uid, gid, mtime, major, minor } = header
    const type = this.#typeOf(header)
    if (!isId(uid) || !isId(gid)) throw this.#corrupt(`the owner ${uid}:${gid} cannot be`)
    const xattrs = this.#extended.records.xattrs
    // Only what files are made of has a content, whatever the header says; but a directory of old archives is one of those.
    const contentSize = types.get(header.typeFlag) === 'file' ? header.size : 0
    const sparse = numbers === undefined ? undefined : this.#check(rangesOf(numbers, size, contentSize))
    this.#extended.clear()
    const entry = { type, name: withoutEndSlashes(name), linkName, mode, uid, gid, mtime, major, minor, xattrs }
    this.#sink.begin({ ...entry, size: type === 'file' ? size : 0, ...(sparse === undefined ? {} : { sparse }) })
    const padding = paddingOf(contentSize)
    if (type === 'file' && contentSize > 0) {
      const ranges = sparse ?? [{ offset: 0, length: contentSize }]
      this.#state = { is: 'data', ranges, index: 0, within: 0, left: contentSize, padding }
      return
    }
    this.#sink.end()
    this.#skip(contentSize + padding)
  }

  #skip(left: number): void {
    this.#state = left === 0 ? { is: 'header' } : { is: 'skip', left }
  }

  #takeSkipped(state: Extract<State, { is: 'skip' }>, chunk: Buffer, at: number): number {
    const used = Math.min(state.left, chunk.length - at)
    state.left -= used
    if (state.left === 0) this.#state = { is: 'header' }
    return used
  }

  #typeOf({ typeFlag, name }: TarHeader): LayerEntryType {
    const type = types.get(typeFlag)
    if (type === undefined) throw this.#corrupt(`it has an entry of an unknown kind, ${JSON.stringify(typeFlag)}`)
    // Before there were directories in tarballs, they were files with a slash at the end.
    return typeFlag === '0' && name.at(-1) === slash ? 'directory' : type
  }

  #takeData(state: Extract<State, { is: 'data' }>, chunk: Buffer, at: number): number {
    const range = state.ranges[state.index] ?? { offset: 0, length: state.left }
    const used = Math.min(range.length - state.within, chunk.length - at)
    this.#sink.data(chunk.subarray(at, at + used), range.offset + state.within)
    state.left -= used
    state.within += used
    if (state.within === range.length) {
      state.within = 0
      state.index++
    }
    if (state.left === 0) {
      this.#sink.end()
      this.#skip(state.padding)
    }
    return used
  }

  #check<T>(parsed: T | string): T {
    if (typeof parsed === 'string') throw this.#corrupt(parsed)
    return parsed
  }

  #corrupt(why: string): Error {
    return corruptLayer(why, { name: this.#name, offset: this.#start })
  }
}

function isId(id: number): boolean {
  return id >= 0 && id < firstBadId
}

function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize
}

function withoutEndSlashes(name: Buffer): Buffer {
  let end = name.length
  while (end > 0 && name[end - 1] === slash) end--
  return name.subarray(0, end)
}

const slash = 0x2f
