import type { EntryTime } from './entry.ts'

/** The size of everything in a tarball: headers are one block, contents are filled up to whole ones. */
export const blockSize = 512

/** What one header block says, before extended headers change it. */
export interface TarHeader {
  /** The type flag as a character; `0` also for the NUL of old archives. */
  readonly typeFlag: string
  readonly name: Buffer
  readonly linkName: Buffer
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: EntryTime
  readonly major: number
  readonly minor: number
}

const checksumAt = 148
const space = 0x20

/** Whether a block is only zeros: the end of the archive. */
export function isZeroBlock(block: Buffer): boolean {
  return block.equals(zeroBlock)
}

/** Reads a header block; what is wrong with it comes as text. */
export function parseHeader(block: Buffer): TarHeader | string {
  const stored = numberAt(block, checksumAt, 8)
  if (stored === undefined || !checksumFits(block, stored)) return 'the checksum of a header is wrong'
  const flag = block[156] || 0x30
  const hasDevice = flag === 0x33 || flag === 0x34
  const numbers = {
    mode: numberAt(block, 100, 8),
    uid: numberAt(block, 108, 8),
    gid: numberAt(block, 116, 8),
    size: numberAt(block, 124, 12),
    seconds: numberAt(block, 136, 12),
    major: hasDevice ? numberAt(block, 329, 8) : 0,
    minor: hasDevice ? numberAt(block, 337, 8) : 0,
  }
  const { mode, uid, gid, size, seconds, major, minor } = numbers
  if (
    mode === undefined ||
    uid === undefined ||
    gid === undefined ||
    size === undefined ||
    seconds === undefined ||
    major === undefined ||
    minor === undefined
  )
    return `a header's ${Object.entries(numbers).find(([, value]) => value === undefined)?.[0]} is no number`
  return {
    typeFlag: String.fromCharCode(flag),
    name: nameOf(block),
    linkName: textAt(block, 157, 100),
    mode: mode & 0o7777,
    uid,
    gid,
    size,
    mtime: { seconds, nanoseconds: 0 },
    major,
    minor,
  }
}

/** A field of octal digits, or of a binary number; `undefined` if it is neither, or larger than a number can tell exactly. */
export function numberAt(block: Buffer, start: number, length: number): number | undefined {
  const first = block[start] ?? 0
  if (first & 0x80) return binaryAt(block, start, length)
  let at = start
  const end = start + length
  while (at < end && block[at] === space) at++
  let value = 0
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - 0x30
    if (digit < 0 || digit > 7) break
    value = value * 8 + digit
  }
  // A NUL ends the number, whatever old programs left behind it.
  return at === end || block[at] === 0 || block[at] === space ? value : undefined
}

/** Base 256, as GNU writes what has no room in octal: two's complement without its highest bit. */
function binaryAt(block: Buffer, start: number, length: number): number | undefined {
  const bits = BigInt(length * 8 - 1)
  const value = BigInt.asIntN(Number(bits), BigInt(`0x${block.toString('hex', start, start + length)}`))
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : undefined
}

/** Some old programs summed up signed bytes. */
function checksumFits(block: Buffer, stored: number): boolean {
  let [unsigned, signed] = [0, 0]
  for (let at = 0; at < blockSize; at++) {
    const byte = at >= checksumAt && at < checksumAt + 8 ? space : (block[at] ?? 0)
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  return stored === unsigned || stored === signed
}

/** POSIX has the beginning of long names in another field; GNU has other things there, and star a shorter one. */
function nameOf(block: Buffer): Buffer {
  const name = textAt(block, 0, 100)
  if (block.toString('latin1', 257, 263) !== 'ustar\0') return name
  const isStar = block.toString('latin1', 508, 512) === 'tar\0'
  const prefix = textAt(block, 345, isStar ? 131 : 155)
  return prefix.length === 0 ? name : Buffer.concat([prefix, slash, name])
}

/** A copy: the block is gone when the next one comes. */
function textAt(block: Buffer, start: number, length: number): Buffer {
  return untilNul(Buffer.from(block.subarray(start, start + length)))
}

/** Text in C's manner. */
export function untilNul(text: Buffer): Buffer {
  const end = text.indexOf(0)
  return end < 0 ? text : text.subarray(0, end)
}

const zeroBlock = Buffer.alloc(blockSize)
const slash = Buffer.from('/')
