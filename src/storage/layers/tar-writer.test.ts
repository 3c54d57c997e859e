import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import type { LayerEntry } from './entry.ts'
import { TarReader } from './tar-reader.ts'
import { contentSize, encodeHeader, endOfTar, paddingOf } from './tar-writer.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-tar-writer-'))
afterAll(() => rmSync(directory, { recursive: true }))

const binary = Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0x80, 0x3d, 0x41])

function entryOf(name: string | Buffer, values: Partial<LayerEntry> = {}): LayerEntry {
  return {
    type: 'file',
    name: Buffer.from(name),
    linkName: Buffer.alloc(0),
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: { seconds: 1_700_000_000, nanoseconds: 0 },
    size: 0,
    major: 0,
    minor: 0,
    xattrs: new Map(),
    ...values,
  }
}

/** A tarball of entries whose contents, if they have any, are `x`. */
function tarOf(...entries: readonly LayerEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const size = contentSize(entry)
    return [encodeHeader(entry), Buffer.alloc(size, 'x'), Buffer.alloc(paddingOf(size))]
  })
  return Buffer.concat([...parts, endOfTar])
}

function readBack(tar: Buffer): LayerEntry[] {
  const entries: LayerEntry[] = []
  const reader = new TarReader({
    begin: (entry) => void entries.push({ ...entry, name: Buffer.from(entry.name), linkName: Buffer.from(entry.linkName) }),
    data: () => {},
    end: () => {},
  })
  reader.write(tar)
  reader.end()
  return entries
}

/** What Python's reader, which is nobody's child, sees. */
function pythonSees(tar: Buffer): unknown {
  const script = `import tarfile,sys,io,json
t=tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read()),mode='r:')
e=lambda s:s.encode('utf-8','surrogateescape').hex()
print(json.dumps([[e(m.name),m.type.decode(),m.mode,m.uid,m.gid,m.size,str(m.mtime),e(m.linkname),m.devmajor,m.devminor] for m in t]))`
  return JSON.parse(execFileSync('python3', ['-c', script], { input: tar, encoding: 'utf8' }))
}

const hex = (text: string | Buffer): string => Buffer.from(text).toString('hex')

test('what fits takes one header, and says what it should', () => {
  const entries = [
    entryOf('bin', { type: 'directory', mode: 0o1777 }),
    entryOf('bin/su', { mode: 0o4755, uid: 0o7777777, size: 3 }),
    entryOf('bin/sh', { type: 'symlink', linkName: Buffer.from('su') }),
    entryOf('bin/sudo', { type: 'hardlink', linkName: Buffer.from('bin/su') }),
    entryOf('pipe', { type: 'fifo' }),
    entryOf('null', { type: 'character-device', major: 1, minor: 3 }),
    entryOf('disk', { type: 'block-device', major: 259, minor: 1048575 }),
    entryOf(`${'d'.repeat(120)}/${'n'.repeat(99)}`),
  ]
  const tar = tarOf(...entries)
  expect(tar.length).toBe(512 * (entries.length + 1 + 2))
  expect(readBack(tar)).toEqual(entries)
  expect(pythonSees(tar)).toEqual([
    [hex('bin'), '5', 0o1777, 0, 0, 0, '1700000000', '', 0, 0],
    [hex('bin/su'), '0', 0o4755, 0o7777777, 0, 3, '1700000000', '', 0, 0],
    [hex('bin/sh'), '2', 0o644, 0, 0, 0, '1700000000', hex('su'), 0, 0],
    [hex('bin/sudo'), '1', 0o644, 0, 0, 0, '1700000000', hex('bin/su'), 0, 0],
    [hex('pipe'), '6', 0o644, 0, 0, 0, '1700000000', '', 0, 0],
    [hex('null'), '3', 0o644, 0, 0, 0, '1700000000', '', 1, 3],
    [hex('disk'), '4', 0o644, 0, 0, 0, '1700000000', '', 259, 1048575],
    [hex(entries[7]?.name ?? ''), '0', 0o644, 0, 0, 0, '1700000000', '', 0, 0],
  ])
})

test('names of any length and of any bytes, and links to them', () => {
  const names = [
    'n'.repeat(100),
    'n'.repeat(101),
    `${'d'.repeat(155)}/${'n'.repeat(100)}`,
    `${'d'.repeat(156)}/n`,
    'x/'.repeat(150).slice(0, -1),
    `${'long-'.repeat(60)}`,
    'grün/€',
    Buffer.from([0x61, 0xff, 0xfe, 0x2f, 0x80]),
    Buffer.from('new\nline = 5'),
  ]
  const entries = names.flatMap((name) => [
    entryOf(name),
    entryOf(name, { type: 'directory' }),
    entryOf('link', { type: 'symlink', linkName: Buffer.from(name) }),
  ])
  const tar = tarOf(...entries)
  expect(readBack(tar)).toEqual(entries)
  const seen = pythonSees(tar) as unknown[][]
  expect(seen.map(([name, , , , , , , link]) => [name, link])).toEqual(entries.map(({ name, linkName }) => [hex(name), hex(linkName)]))
  const listed = execFileSync('tar', ['-t', '--quoting-style=literal', '--show-transformed-names'], {
    input: tarOf(...names.map((name) => entryOf(name))),
    env: { LC_ALL: 'C.UTF-8' },
  })
  expect(listed).toEqual(Buffer.concat(names.flatMap((name) => [Buffer.from(name), Buffer.from('\n')])))
})

test('numbers that no header has room for, and times before and between the seconds', () => {
  const entries = [
    entryOf('id', { uid: 0o10000000, gid: 4_294_967_294 }),
    entryOf('fraction', { mtime: { seconds: 1, nanoseconds: 20 } }),
    entryOf('before', { mtime: { seconds: -1, nanoseconds: 0 } }),
    entryOf('half before', { mtime: { seconds: -2, nanoseconds: 500_000_000 } }),
    entryOf('just before', { mtime: { seconds: -1, nanoseconds: 999_999_999 } }),
    entryOf('late', { mtime: { seconds: 2 ** 33, nanoseconds: 1 } }),
  ]
  const tar = tarOf(...entries)
  expect(readBack(tar)).toEqual(entries)
  const seen = pythonSees(tar) as unknown[][]
  expect(seen[0]?.slice(3, 5)).toEqual([0o10000000, 4_294_967_294])
  expect(seen.slice(1).map((one) => Number(one[6]))).toEqual([1.00000002, -1, -1.5, -1e-9, 8589934592])
  expect(() => encodeHeader(entryOf('device', { type: 'block-device', minor: 0o10000000 }))).toThrow(
    expect.objectContaining({ code: 'unsupported' }),
  )
})

test('attributes byte by byte, as GNU tar puts them back', () => {
  const xattrs = new Map([
    ['user.b=d%', binary],
    ['user.empty', Buffer.alloc(0)],
    ['trusted.binary', binary],
    ['user.ünï', Buffer.from('x')],
  ])
  const tar = tarOf(entryOf('file', { xattrs, size: 1 }))
  expect(readBack(tar)[0]?.xattrs).toEqual(xattrs)
  const place = join(directory, 'xattrs')
  mkdirSync(place)
  execFileSync('tar', ['-x', '--xattrs', '--xattrs-include=*', '-C', place], { input: tar, stdio: ['pipe', 'ignore', 'ignore'] })
  const value = (name: string): Buffer => execFileSync('getfattr', ['--only-values', '-n', name, join(place, 'file')])
  expect(value('trusted.binary')).toEqual(binary)
  expect(value('user.ünï').toString()).toBe('x')
  expect(value('user.empty')).toEqual(Buffer.alloc(0))
})

test('sparse files in the form of GNU tar', () => {
  const sparse = [
    { offset: 4096, length: 512 },
    { offset: 1_000_448, length: 552 },
  ]
  const entries = [
    entryOf('holey', { size: 2 ** 34, sparse }),
    entryOf('hole', { size: 5_000_000, sparse: [] }),
    entryOf(`${'deep/'.repeat(60)}${'n'.repeat(200)}ü`, { size: 1_001_000, sparse }),
    entryOf('after'),
  ]
  const tar = tarOf(...entries)
  expect(readBack(tar)).toEqual(entries)
  expect((pythonSees(tar) as unknown[][]).map(([name, , , , , size]) => [name, size])).toEqual(
    entries.map(({ name, size }) => [hex(name), size]),
  )
  const place = join(directory, 'sparse')
  mkdirSync(place)
  execFileSync('tar', ['-x', '-C', place], { input: tar })
  const expected = Buffer.alloc(1_001_000)
  for (const { offset, length } of sparse) expected.fill('x', offset, offset + length)
  expect(readFileSync(join(place, entries[2]?.name.toString() ?? '')).equals(expected)).toBe(true)
  const stat = execFileSync('stat', ['-c', '%s', join(place, 'holey'), join(place, 'hole')], { encoding: 'utf8' })
  expect(stat).toBe(`${2 ** 34}\n5000000\n`)
})

test('a size of more than 8 GiB', () => {
  const entry = entryOf('large', { size: 2 ** 33 + 1 })
  const path = join(directory, 'large.tar')
  const fd = openSync(path, 'w')
  const header = encodeHeader(entry)
  writeSync(fd, header)
  ftruncateSync(fd, header.length + entry.size + paddingOf(entry.size))
  writeSync(fd, Buffer.concat([encodeHeader(entryOf('after')), endOfTar]), 0, undefined, header.length + entry.size + paddingOf(entry.size))
  closeSync(fd)
  const listed = execFileSync('tar', ['-t', '-v', '--utc', '--full-time', '-f', path], { encoding: 'utf8' })
  expect(listed.split('\n').map((line) => line.split(/\s+/).filter((_, index) => index === 2 || index === 5))).toEqual([
    [String(entry.size), 'large'],
    ['0', 'after'],
    [],
  ])
})

test('the same entry gives the same bytes, whatever order its attributes came in', () => {
  const pairs = [
    ['user.b', Buffer.from('1')],
    ['user.a', Buffer.from('2')],
  ] as const
  const one = encodeHeader(entryOf('file', { xattrs: new Map(pairs) }))
  const other = encodeHeader(entryOf('file', { xattrs: new Map([...pairs].reverse()) }))
  expect(one.equals(other)).toBe(true)
})

const bytes = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: 1, maxLength }).map((array) => Buffer.from(array.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte))))
const anyEntry: fc.Arbitrary<LayerEntry> = fc
  .record({
    name: fc
      .array(bytes(120), { minLength: 1, maxLength: 4 })
      .map((parts) => Buffer.from(parts.map((part) => part.toString('latin1')).join('/'), 'latin1')),
    type: fc.constantFrom('file', 'directory', 'symlink', 'hardlink', 'fifo', 'character-device') as fc.Arbitrary<LayerEntry['type']>,
    linkName: bytes(300),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 4_294_967_294 }),
    gid: fc.integer({ min: 0, max: 4_294_967_294 }),
    mtime: fc.record({ seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), nanoseconds: fc.integer({ min: 0, max: 999_999_999 }) }),
    size: fc.integer({ min: 0, max: 3000 }),
    major: fc.integer({ min: 0, max: 4095 }),
    minor: fc.integer({ min: 0, max: 1048575 }),
    xattrs: fc
      .array(fc.tuple(fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }), fc.uint8Array({ maxLength: 200 })))
      .map((pairs) => new Map(pairs.map(([name, value]) => [`user.${name.replaceAll('\0', '=')}`, Buffer.from(value)]))),
  })
  .map((entry) => ({
    ...entry,
    linkName: entry.type === 'symlink' || entry.type === 'hardlink' ? entry.linkName : Buffer.alloc(0),
    size: entry.type === 'file' ? entry.size : 0,
    major: entry.type === 'character-device' ? entry.major : 0,
    minor: entry.type === 'character-device' ? entry.minor : 0,
  }))

test('whatever is written is read back', () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 5 }), (entries) => {
      expect(readBack(tarOf(...entries))).toEqual(entries)
    }),
    { numRuns: 300 },
  )
})

test('Python reads what it wrote itself and what we write in the same way', () => {
  const path = join(directory, 'one')
  writeFileSync(path, 'content')
  execFileSync('touch', ['-d', '@-5.25', path])
  const theirs = execFileSync('tar', ['-c', '--format=posix', '--pax-option=delete=atime,delete=ctime', '-C', directory, 'one'])
  const ours = tarOf(...readBack(theirs))
  expect(pythonSees(ours)).toEqual(pythonSees(theirs))
})
