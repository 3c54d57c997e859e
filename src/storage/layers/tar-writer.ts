import { isUtf8 } from 'node:buffer'
import { LibpodError } from '../../base/errors.ts'
import type { DataRange, LayerEntry, LayerEntryType } from './entry.ts'
import { blockSize } from './header.ts'
import { encodePax, type PaxRecord, paxTime, xattrRecord } from './pax-write.ts'

/** The two zero blocks that end a tarball. */
export const endOfTar: Buffer = Buffer.alloc(2 * blockSize)

const typeFlags: Readonly<Record<LayerEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
}

/** What fits into the fields of a header, each with a NUL at its end. */
const largestId = 0o7777777
const largestSize = 0o77777777777
const longestName = 100
const longestPrefix = 155

/**
 * The bytes that stand before an entry's content: a plain POSIX header, and an extended one before it for what that has no room for.
 * The same entry gives the same bytes. Of a sparse file also the map, and only its parts with data follow; they lie at multiples of 512, or GNU
 * tar reads something else.
 */
export function encodeHeader(entry: LayerEntry): Buffer {
  const name = entry.type === 'directory' ? Buffer.concat([entry.name, slash]) : entry.name
  const map = entry.sparse === undefined ? undefined : encodeSparseMap(entry.sparse, entry.size)
  const size = contentSize(entry) + (map?.length ?? 0)
  const fields = map === undefined ? splitName(name) : { name: standIn('GNUSparseFile.0', entry.name), prefix: none }
  const records: PaxRecord[] = []
  if (map !== undefined)
    records.push(
      ['GNU.sparse.major', '1'],
      ['GNU.sparse.minor', '0'],
      ['GNU.sparse.name', name],
      ['GNU.sparse.realsize', String(entry.size)],
    )
  else if (fields === undefined) records.push(['path', name])
  if (!isPlain(entry.linkName) || entry.linkName.length > longestName) records.push(['linkpath', entry.linkName])
  if (entry.uid > largestId) records.push(['uid', String(entry.uid)])
  if (entry.gid > largestId) records.push(['gid', String(entry.gid)])
  if (size > largestSize) records.push(['size', String(size)])
  if (!fitsHeader(entry)) records.push(['mtime', paxTime(entry.mtime)])
  for (const key of [...entry.xattrs.keys()].sort()) records.push(xattrRecord(key, entry.xattrs.get(key) ?? none))
  // Names are bytes; where they are no UTF-8, that has to be said.
  if (!isUtf8(name) || !isUtf8(entry.linkName)) records.unshift(['hdrcharset', 'BINARY'])
  // Programs that do not know extended headers get what fits.
  const header = encodeBlock(entry, typeFlags[entry.type], size, fields ?? { name: name.subarray(0, longestName), prefix: none })
  return Buffer.concat([...extendedHeader(records, entry), header, ...(map === undefined ? [] : [map])])
}

/** How many bytes of a file follow its header. */
export function contentSize({ type, size, sparse }: LayerEntry): number {
  if (type !== 'file') return 0
  return sparse === undefined ? size : sparse.reduce((sum, { length }) => sum + length, 0)
}

/** How many zeros fill up the last block of a content. */
export function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize
}

function extendedHeader(records: readonly PaxRecord[], entry: LayerEntry): Buffer[] {
  if (records.length === 0) return []
  const content = encodePax(records)
  const fields = { name: standIn('PaxHeaders.0', entry.name), prefix: none }
  const about: BlockValues = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 }, linkName: none, major: 0, minor: 0 }
  return [encodeBlock(about, 'x', content.length, fields), content, Buffer.alloc(paddingOf(content.length))]
}

/** GNU's version 1.0: decimal numbers, a line each, first how many pairs follow, filled up to whole blocks. */
function encodeSparseMap(ranges: readonly DataRange[], size: number): Buffer {
  const last = ranges.at(-1)
  // A hole at the end is told by an empty part behind it.
  const all = last !== undefined && last.offset + last.length === size ? ranges : [...ranges, { offset: size, length: 0 }]
  const text = Buffer.from(`${[all.length, ...all.flatMap(({ offset, length }) => [offset, length])].join('\n')}\n`)
  return Buffer.concat([text, Buffer.alloc(paddingOf(text.length))])
}

interface NameFields {
  readonly name: Buffer
  readonly prefix: Buffer
}

type BlockValues = Pick<LayerEntry, 'mode' | 'uid' | 'gid' | 'mtime' | 'linkName' | 'major' | 'minor'>

function encodeBlock(entry: BlockValues, typeFlag: string, size: number, { name, prefix }: NameFields): Buffer {
  const block = Buffer.alloc(blockSize)
  const { mode, uid, gid, mtime, linkName, major, minor } = entry
  name.copy(block, 0)
  octal(block, 100, 8, mode)
  octal(block, 108, 8, uid > largestId ? 0 : uid)
  octal(block, 116, 8, gid > largestId ? 0 : gid)
  octal(block, 124, 12, size > largestSize ? 0 : size)
  octal(block, 136, 12, Math.min(Math.max(mtime.seconds, 0), largestSize))
  block.fill(' ', 148, 156)
  block.write(typeFlag, 156)
  linkName.copy(block, 157, 0, longestName)
  block.write('ustar\x0000', 257, 'latin1')
  octal(block, 329, 8, major)
  octal(block, 337, 8, minor)
  prefix.copy(block, 345)
  let sum = 0
  for (let at = 0; at < blockSize; at++) sum += block[at] ?? 0
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

function octal(block: Buffer, at: number, length: number, value: number): void {
  const digits = value.toString(8)
  if (digits.length >= length)
    throw new LibpodError('unsupported', `A tarball has no room for the number ${value}.`, { what: `${value} in a tarball` })
  block.write(digits.padStart(length - 1, '0'), at, 'latin1')
}

/** Whether the time needs no extended header. */
function fitsHeader({ mtime: { seconds, nanoseconds } }: LayerEntry): boolean {
  return nanoseconds === 0 && seconds >= 0 && seconds <= largestSize
}

/** A name in the two fields for it, which join at a slash; `undefined` if it does not fit. */
function splitName(name: Buffer): NameFields | undefined {
  if (!isPlain(name)) return undefined
  if (name.length <= longestName) return { name, prefix: none }
  // The slash at the end of a directory's name is none to split at.
  const at = name.subarray(0, name.length - 1).indexOf(slash, name.length - longestName - 1)
  if (at <= 0 || at > longestPrefix) return undefined
  return { prefix: name.subarray(0, at), name: name.subarray(at + 1) }
}

/** A name that fits, for a header whose own does not matter. */
function standIn(directory: string, name: Buffer): Buffer {
  const base = name.subarray(name.lastIndexOf(slash) + 1)
  return Buffer.concat([Buffer.from(`${directory}/`), base]).subarray(0, longestName)
}

/** POSIX allows ASCII alone in plain headers. */
function isPlain(text: Buffer): boolean {
  return text.every((byte) => byte < 0x80)
}

const none = Buffer.alloc(0)
const slash = Buffer.from('/')
