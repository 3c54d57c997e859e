import { execFileSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CollectedEntry, collectEntries } from '../test-support/collect-entries.ts'

let directory = ''
const tree = (name: string): string => join(directory, 'tree', name)

const long = 'n'.repeat(120)
const files: Readonly<Record<string, Buffer>> = {
  empty: Buffer.alloc(0),
  small: Buffer.from('hello'),
  block: Buffer.alloc(512, 1),
  large: Buffer.alloc(70_001, 'abc'),
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tar-reader-'))
  mkdirSync(tree('directory/below'), { recursive: true })
  for (const [name, content] of Object.entries(files)) writeFileSync(tree(name), content)
  linkSync(tree('small'), tree('zlink'))
  symlinkSync('../small', tree('directory/symlink'))
  execFileSync('mkfifo', ['-m', '0640', tree('fifo')])
  execFileSync('mknod', [tree('null'), 'c', '1', '3'])
  execFileSync('mknod', [tree('disk'), 'b', '259', '70000'])
  execFileSync('chmod', ['6755', tree('large')])
  execFileSync('chown', ['1234:54321', tree('small')])
  execFileSync('touch', ['-d', '2001-02-03 04:05:06.789012345 UTC', tree('small')])
  const fd = openSync(tree('sparse'), 'w')
  for (let part = 0; part < 60; part++) writeSync(fd, Buffer.alloc(4096, part + 1), 0, 4096, part * 65_536 + 65_536)
  ftruncateSync(fd, 8_000_000)
  closeSync(fd)
  const holes = openSync(tree('holes'), 'w')
  ftruncateSync(holes, 1_000_000)
  closeSync(holes)
})
afterAll(() => rmSync(directory, { recursive: true }))

const tar = (...args: readonly string[]): Buffer =>
  execFileSync('tar', ['-C', tree(''), '--sort=name', ...args, '-cf', '-', '.'], { maxBuffer: 1 << 28 })
const python = (script: string): Buffer =>
  execFileSync('python3', ['-c', `import tarfile,io,sys\nout=io.BytesIO()\n${script}\nsys.stdout.buffer.write(out.getvalue())`], {
    maxBuffer: 1 << 28,
  })
const byName = (entries: readonly CollectedEntry[]): ((name: string) => CollectedEntry | undefined) => {
  const all = new Map(entries.map((entry) => [entry.name.toString().replace(/^\.\/?/, ''), entry]))
  return (name) => all.get(name)
}

describe.each([
  ['gnu', ['--format=gnu']],
  ['gnu with sparse files', ['--format=gnu', '--sparse']],
  ['oldgnu with sparse files', ['--format=oldgnu', '--sparse']],
  ['pax', ['--format=pax']],
  ['pax with sparse files, 0.0', ['--format=pax', '--sparse', '--sparse-version=0.0']],
  ['pax with sparse files, 0.1', ['--format=pax', '--sparse', '--sparse-version=0.1']],
  ['pax with sparse files, 1.0', ['--format=pax', '--sparse', '--sparse-version=1.0']],
  ['ustar', ['--format=ustar']],
  ['v7', ['--format=v7', '--exclude=./fifo', '--exclude=./null', '--exclude=./disk']],
] as const)('an archive of GNU tar: %s', (format, options) => {
  it.each([1 << 30, 100_000, 513, 7])('is read in pieces of %i bytes', (pieceSize) => {
    const archive = tar(...options)
    const { entries, ended } = collectEntries(archive, pieceSize)
    expect(ended).toBe(true)
    const found = byName(entries)
    for (const [name, content] of Object.entries({ ...files, sparse: readFileSync(tree('sparse')), holes: Buffer.alloc(1_000_000) })) {
      expect([name, found(name)?.type, found(name)?.size]).toEqual([name, 'file', content.length])
      expect(found(name)?.content.equals(content)).toBe(true)
    }
    expect(found('')).toMatchObject({ type: 'directory', mode: lstatSync(tree('')).mode & 0o7777 })
    expect(found('directory/below')).toMatchObject({ type: 'directory', size: 0 })
    expect(found('directory/symlink')).toMatchObject({ type: 'symlink', linkName: Buffer.from('../small'), size: 0 })
    expect(found('zlink')).toMatchObject({ type: 'hardlink', linkName: Buffer.from('./small'), size: 0 })
    expect(found('large')).toMatchObject({ mode: 0o6755 })
    const nanoseconds = format.startsWith('pax') ? 789_012_345 : 0
    expect(found('small')).toMatchObject({ uid: 1234, gid: 54321, mtime: { seconds: 981_173_106, nanoseconds } })
    if (format !== 'v7') {
      expect(found('fifo')).toMatchObject({ type: 'fifo', mode: 0o640 })
      expect(found('null')).toMatchObject({ type: 'character-device', major: 1, minor: 3 })
      expect(found('disk')).toMatchObject({ type: 'block-device', major: 259, minor: 70000 })
    }
    if (format.includes('sparse')) {
      expect(found('sparse')?.sparse).toHaveLength(60)
      expect(found('sparse')?.sparse?.[0]).toEqual({ offset: 65_536, length: 4096 })
      expect(found('holes')?.sparse).toEqual([])
    }
  })
})

describe('names', () => {
  const deep = `${`${long}/`.repeat(8)}file`

  it.each(['gnu', 'pax'] as const)('longer than a header has room for, in %s', (format) => {
    const archive = python(`
t=tarfile.open(fileobj=out,mode="w",format=tarfile.${format.toUpperCase()}_FORMAT)
i=tarfile.TarInfo("${deep}"); i.size=3; t.addfile(i,io.BytesIO(b"abc"))
i=tarfile.TarInfo("link"); i.type=tarfile.SYMTYPE; i.linkname="${deep}"; t.addfile(i)
i=tarfile.TarInfo("hard"); i.type=tarfile.LNKTYPE; i.linkname="${deep}"; t.addfile(i)
t.close()`)
    const { entries } = collectEntries(archive)
    expect(entries.map(({ name, linkName }) => [name.toString(), linkName.toString()])).toEqual([
      [deep, ''],
      ['link', deep],
      ['hard', deep],
    ])
  })

  it('with a prefix, and of bytes that are no text', () => {
    const archive = python(`
t=tarfile.open(fileobj=out,mode="w",format=tarfile.USTAR_FORMAT,encoding="latin1")
t.addfile(tarfile.TarInfo("${'p'.repeat(90)}/${'q'.repeat(40)}"))
t.addfile(tarfile.TarInfo("\\xff\\xfe"))
t.close()`)
    const { entries } = collectEntries(archive)
    expect(entries.map(({ name }) => name.toString('latin1'))).toEqual([`${'p'.repeat(90)}/${'q'.repeat(40)}`, '\xff\xfe'])
  })

  it('with a slash at the end are directories in old archives, and what follows is found', () => {
    const archive = python(`
t=tarfile.open(fileobj=out,mode="w",format=tarfile.USTAR_FORMAT)
i=tarfile.TarInfo("old/"); i.type=tarfile.AREGTYPE; i.size=3; t.addfile(i,io.BytesIO(b"abc"))
t.addfile(tarfile.TarInfo("next"))
t.close()
d=bytearray(out.getvalue())
d[0:4]=b"old/"; s=sum(d[:148])+256+sum(d[156:512])-0
d[148:156]=b"%06o\\0 "%s
out.seek(0); out.write(d)`)
    const { entries } = collectEntries(archive)
    expect(entries.map(({ type, name }) => [type, name.toString()])).toEqual([
      ['directory', 'old'],
      ['file', 'next'],
    ])
  })
})

describe('numbers', () => {
  it('larger than octal digits can tell, negative times, and in extended headers', () => {
    for (const format of ['GNU', 'PAX']) {
      const archive = python(`
t=tarfile.open(fileobj=out,mode="w",format=tarfile.${format}_FORMAT)
i=tarfile.TarInfo("a"); i.uid=4000000000; i.gid=3000000; i.mtime=-5; t.addfile(i)
i=tarfile.TarInfo("b"); i.mtime=2**40; t.addfile(i)
t.close()`)
      const { entries } = collectEntries(archive)
      expect(entries[0]).toMatchObject({ uid: 4_000_000_000, gid: 3_000_000, mtime: { seconds: -5, nanoseconds: 0 } })
      expect(entries[1]?.mtime).toEqual({ seconds: 2 ** 40, nanoseconds: 0 })
    }
  })

  it('keep their nanoseconds, before 1970 too', () => {
    const archive = python(`
t=tarfile.open(fileobj=out,mode="w",format=tarfile.PAX_FORMAT)
for m in ["1.5","-1.5","-0.25","7.1234567899","3."]:
  i=tarfile.TarInfo(m); i.pax_headers={"mtime":m}; t.addfile(i)
t.close()`)
    const { entries } = collectEntries(archive)
    expect(entries.map(({ mtime: { seconds, nanoseconds } }) => [seconds, nanoseconds])).toEqual([
      [1, 500_000_000],
      [-2, 500_000_000],
      [-1, 750_000_000],
      [7, 123_456_789],
      [3, 0],
    ])
  })
})

describe('extended headers', () => {
  it('keep attributes byte by byte, global ones too, and a local one comes first', () => {
    const record = (key: string, value: Buffer): Buffer => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
      let length = rest.length
      while (String(length).length + rest.length !== length) length = String(length).length + rest.length
      return Buffer.concat([Buffer.from(String(length)), rest])
    }
    const binary = Buffer.from([0, 0xff, 0xfe, 0x0a, 0x3d, 0x80])
    const global = Buffer.concat([record('SCHILY.xattr.user.a', binary), record('gid', Buffer.from('7')), record('comment', binary)])
    const local = Buffer.concat([
      record('SCHILY.xattr.user.b', Buffer.alloc(0)),
      record('LIBARCHIVE.xattr.user.c%2Fd', Buffer.from(binary.toString('base64').replaceAll('=', ''))),
      record('gid', Buffer.from('8')),
      record('path', Buffer.from('from pax')),
      record('__proto__', binary),
    ])
    const archive = python(`
def raw(flag,data):
  i=tarfile.TarInfo("h"); i.type=flag; i.size=len(data)
  out.write(i.tobuf(tarfile.USTAR_FORMAT)); out.write(data+bytes(-len(data)%512))
raw(b"g",bytes.fromhex("${global.toString('hex')}"))
raw(b"x",bytes.fromhex("${local.toString('hex')}"))
out.write(tarfile.TarInfo("from header").tobuf(tarfile.USTAR_FORMAT))
out.write(tarfile.TarInfo("second").tobuf(tarfile.USTAR_FORMAT)); out.write(bytes(1024))`)
    const { entries } = collectEntries(archive)
    expect(entries.map(({ name, gid, xattrs }) => [name.toString(), gid, [...xattrs]])).toEqual([
      [
        'from pax',
        8,
        [
          ['user.a', binary],
          ['user.b', Buffer.alloc(0)],
          ['user.c/d', binary],
        ],
      ],
      ['second', 7, [['user.a', binary]]],
    ])
  })
})

describe('the end', () => {
  const one = (): Buffer =>
    python(`t=tarfile.open(fileobj=out,mode="w"); i=tarfile.TarInfo("a"); i.size=600; t.addfile(i,io.BytesIO(bytes(600))); t.close()`)

  it('may be followed by anything', () => {
    expect(collectEntries(Buffer.concat([one(), Buffer.alloc(700, 'garbage')])).entries).toHaveLength(1)
  })

  it('may be missing, and the padding before it, but not a part of an entry', () => {
    const archive = one()
    // A header of 512 bytes and 600 of content; then come 424 of padding, which umoci leaves out at the end.
    for (let length = 1; length < 1112; length += length % 512 === 511 ? 1 : 73)
      expect(() => collectEntries(archive.subarray(0, length))).toThrow(expect.objectContaining({ code: 'corrupt' }))
    for (const length of [1112, 1300, 1536])
      expect(collectEntries(archive.subarray(0, length))).toMatchObject({ ended: false, entries: [{ size: 600 }] })
    expect(collectEntries(Buffer.alloc(0))).toEqual({ ended: false, entries: [] })
  })
})

describe('what is refused', () => {
  const header = (change: string): Buffer =>
    python(`
i=tarfile.TarInfo("victim"); i.size=0
d=bytearray(i.tobuf(tarfile.GNU_FORMAT))
${change}
d[148:156]=b" "*8
d[148:156]=b"%06o\\0 "%sum(d)
out.write(d); out.write(bytes(4096))`)

  it.each([
    ['a wrong checksum', 'd[0:1]=b"V"', (archive: Buffer) => archive.fill('W', 0, 1), 'checksum'],
    ['a negative size', 'd[124:136]=b"\\xff"*12', undefined, 'negative'],
    ['an absurd size', 'd[124:136]=b"\\x80"+b"\\x7f"*11', undefined, 'size'],
    ['a size of letters', 'd[124:136]=b"00000zzzzz0\\0"', undefined, 'size'],
    ['an owner that means nobody', 'd[108:116]=b"\\x80\\0\\0\\0\\xff\\xff\\xff\\xff"', undefined, 'owner'],
    ['a negative owner', 'd[116:124]=b"\\xff"*8', undefined, 'owner'],
    ['an unknown kind', 'd[156:157]=b"M"', undefined, 'unknown kind'],
    ['a header too large', 'd[156:157]=b"L"; d[124:136]=b"00004000001\\0"', undefined, '1 MiB'],
    ['an endless global header', 'd[156:157]=b"g"; d[124:136]=b"77777777777\\0"', undefined, '1 MiB'],
    ['a broken extended header', 'd[156:157]=b"x"; d[124:136]=b"00000000010\\0"', undefined, 'record'],
    ['a sparse file with a bad map', 'd[156:157]=b"S"; d[386:410]=b"00000001000\\0"*2; d[483:495]=b"00000000100\\0"', undefined, 'map'],
  ])('%s', (_, change, after, words) => {
    const archive = header(change)
    after?.(archive)
    expect(() => collectEntries(archive)).toThrow(expect.objectContaining({ code: 'corrupt', message: expect.stringContaining(words) }))
  })

  it('tells which entry it was, and where', () => {
    const archive = Buffer.concat([
      python(`out.write(tarfile.TarInfo("first").tobuf())`),
      header('d[108:116]=b"\\x80\\0\\0\\0\\xff\\xff\\xff\\xff"'),
    ])
    expect(() => collectEntries(archive)).toThrow(
      'The layer is damaged or forged: the owner 4294967295:0 cannot be (the entry "victim" at byte 512). Get it again from where it was made.',
    )
  })

  it('many small headers before one entry', () => {
    const many = python(`
data=b"30 comment=xxxxxxxxxxxxxxxxxx\\n"*1000
for n in range(100):
  i=tarfile.TarInfo("h"); i.type=b"x"; i.size=len(data); out.write(i.tobuf(tarfile.USTAR_FORMAT)); out.write(data+bytes(-len(data)%512))`)
    expect(() => collectEntries(many)).toThrow(expect.objectContaining({ code: 'corrupt' }))
  })
})
