import type { EntryTime } from './entry.ts'

/** What POSIX extended headers say of an entry. Only what matters here is kept; a later record replaces an earlier one. */
export interface PaxRecords {
  path?: Buffer
  linkPath?: Buffer
  size?: number
  uid?: number
  gid?: number
  mtime?: EntryTime
  readonly xattrs: Map<string, Buffer>
  readonly sparse: SparseRecords
}

/** The records that GNU tar describes sparse files with, in the three ways it had over time. */
export interface SparseRecords {
  name?: Buffer
  size?: number
  major?: number
  minor?: number
  /** Version 0.1: offsets and lengths. */
  map?: Buffer
  /** Version 0.0: the same, a record each. */
  numbers?: number[]
}

/** No records. */
export function noRecords(): PaxRecords {
  return { xattrs: new Map(), sparse: {} }
}

/** A copy to put more records into. */
export function copyRecords(records: PaxRecords): PaxRecords {
  return { ...records, xattrs: new Map(records.xattrs), sparse: { ...records.sparse } }
}

/** Reads the content of an extended header into `records`. What is wrong comes as text. */
export function parsePax(data: Buffer, records: PaxRecords): string | undefined {
  for (let at = 0; at < data.length; ) {
    const gap = data.indexOf(space, at)
    const length = gap < 0 || gap - at > 8 ? undefined : decimal(data.subarray(at, gap))
    if (length === undefined) return 'an extended header has a record without a length'
    const end = at + length
    if (end > data.length || end <= gap + 1 || data[end - 1] !== newline) return 'a record of an extended header has a wrong length'
    const equals = data.indexOf(equalsSign, gap + 1)
    if (equals <= gap + 1 || equals >= end) return 'a record of an extended header has no name'
    const problem = take(records, data.toString('utf8', gap + 1, equals), Buffer.from(data.subarray(equals + 1, end - 1)))
    if (problem !== undefined) return problem
    at = end
  }
  return undefined
}

const schily = 'SCHILY.xattr.'
const libarchive = 'LIBARCHIVE.xattr.'

function take(records: PaxRecords, key: string, value: Buffer): string | undefined {
  const read = readers.get(key)
  if (read !== undefined) return read(records, value) ? undefined : `the extended header's ${key} has a bad value`
  if (key.startsWith(schily)) return takeXattr(records, key.slice(schily.length), value)
  if (!key.startsWith(libarchive)) return undefined
  const name = percentDecoded(key.slice(libarchive.length))
  // The other form, where both are there, needs no decoding.
  return records.xattrs.has(name) ? undefined : takeXattr(records, name, Buffer.from(value.toString('latin1'), 'base64'))
}

function takeXattr({ xattrs }: PaxRecords, name: string, value: Buffer): string | undefined {
  if (name === '' || name.includes('\0')) return 'an extended attribute has a bad name'
  xattrs.set(name, value)
  return undefined
}

type RecordReader = (records: PaxRecords, value: Buffer) => boolean

/** How the records that matter are read; `false` for a value that makes no sense. An empty value takes a record back. */
const readers: ReadonlyMap<string, RecordReader> = new Map<string, RecordReader>([
  ['path', textReader((records, path) => put(records, 'path', path))],
  ['linkpath', textReader((records, linkPath) => put(records, 'linkPath', linkPath))],
  ['size', numberReader((records, size) => put(records, 'size', size))],
  ['uid', numberReader((records, uid) => put(records, 'uid', uid))],
  ['gid', numberReader((records, gid) => put(records, 'gid', gid))],
  [
    'mtime',
    (records, value) => {
      const time = value.length === 0 ? undefined : parseTime(value)
      put(records, 'mtime', time)
      return value.length === 0 || time !== undefined
    },
  ],
  ['GNU.sparse.name', textReader(({ sparse }, name) => put(sparse, 'name', name))],
  ['GNU.sparse.size', numberReader(({ sparse }, size) => put(sparse, 'size', size))],
  ['GNU.sparse.realsize', numberReader(({ sparse }, size) => put(sparse, 'size', size))],
  ['GNU.sparse.major', numberReader(({ sparse }, major) => put(sparse, 'major', major))],
  ['GNU.sparse.minor', numberReader(({ sparse }, minor) => put(sparse, 'minor', minor))],
  ['GNU.sparse.map', textReader(({ sparse }, map) => put(sparse, 'map', map))],
  ['GNU.sparse.offset', numberReader(({ sparse }, number) => add(sparse, number))],
  ['GNU.sparse.numbytes', numberReader(({ sparse }, number) => add(sparse, number))],
])

function textReader(set: (records: PaxRecords, value: Buffer | undefined) => void): RecordReader {
  return (records, value) => {
    set(records, value.length === 0 ? undefined : value)
    return !value.includes(0)
  }
}

function numberReader(set: (records: PaxRecords, value: number | undefined) => void): RecordReader {
  return (records, value) => {
    const number = value.length === 0 ? undefined : decimal(value)
    set(records, number)
    return value.length === 0 || number !== undefined
  }
}

function put<Of extends object, Key extends keyof Of>(records: Of, key: Key, value: Of[Key] | undefined): void {
  if (value === undefined) delete records[key]
  else records[key] = value
}

function add(sparse: SparseRecords, number: number | undefined): void {
  sparse.numbers ??= []
  if (number !== undefined) sparse.numbers.push(number)
}

/** A number without a sign. */
export function decimal(text: Buffer): number | undefined {
  if (text.length === 0 || text.length > 16) return undefined
  let value = 0
  for (const byte of text) {
    if (byte < 0x30 || byte > 0x39) return undefined
    value = value * 10 + byte - 0x30
  }
  return Number.isSafeInteger(value) ? value : undefined
}

/** Seconds with any number of digits behind the point; what is finer than a nanosecond is cut off. */
function parseTime(text: Buffer): EntryTime | undefined {
  const parts = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(text.toString('latin1'))
  if (parts === null) return undefined
  const [, sign, whole = '', fraction = ''] = parts
  const seconds = Number(whole)
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'))
  if (sign !== '-') return { seconds, nanoseconds }
  return nanoseconds === 0 ? { seconds: 0 - seconds, nanoseconds } : { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds }
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

const space = 0x20
const equalsSign = 0x3d
const newline = 0x0a
