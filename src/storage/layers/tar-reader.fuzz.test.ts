import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { digestOf } from '../../base/digest.ts'
import { isLibpodError } from '../../base/errors.ts'
import { collectEntries } from '../test-support/collect-entries.ts'

let directory = ''
const archives: Buffer[] = []

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tar-fuzz-'))
  const script = `cd "$0"; mkdir -p t/dir; echo hello > t/file; ln t/file t/hard; ln -s file t/dir/link; mkfifo t/fifo
    truncate -s 1M t/sparse; printf data | dd of=t/sparse bs=1 seek=70000 conv=notrunc 2>/dev/null; mkdir -p t/${'n'.repeat(200)}
    setfattr -n user.test -v binary t/file 2>/dev/null || true`
  execFileSync('sh', ['-c', script, directory])
  for (const options of [['gnu'], ['oldgnu'], ['pax', '--sparse-version=0.0'], ['pax', '--sparse-version=0.1'], ['pax']]) {
    const [format, ...rest] = options
    archives.push(execFileSync('tar', ['-C', directory, `--format=${format}`, '--sparse', '--xattrs', ...rest, '-cf', '-', 't']))
  }
})
afterAll(() => rmSync(directory, { recursive: true }))

/** Either it is read, or it is `corrupt`; and how it is cut into pieces makes no difference. */
function check(archive: Buffer, pieceSize: number): void {
  const outcomes = [archive.length, pieceSize].map((size) => {
    try {
      const { entries, ended } = collectEntries(archive, Math.max(1, size))
      return { entries: entries.map(({ content, ...entry }) => ({ ...entry, content: digestOf(content) })), ended }
    } catch (error) {
      if (!isLibpodError(error, 'corrupt')) throw error
      return error.message
    }
  })
  expect(outcomes[1]).toEqual(outcomes[0])
}

it('reads any bytes, or says that they are corrupt', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 1000 }), (bytes, size) => check(Buffer.from(bytes), size)),
    { numRuns: 300 },
  )
})

const change = fc.record({ at: fc.nat(), bytes: fc.uint8Array({ minLength: 1, maxLength: 24 }) })

it('reads archives with some bytes changed, or says that they are corrupt', () => {
  const mutated = fc.tuple(fc.nat(), fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), fc.integer({ min: 1, max: 5000 }))
  fc.assert(
    fc.property(mutated, ([which, changes, mends, size]) => {
      const archive = Buffer.from(archives[which % archives.length] ?? '')
      for (const { at, bytes } of changes) archive.set(bytes, at % (archive.length - bytes.length))
      if (mends) mendChecksums(archive)
      check(archive, size)
    }),
    { numRuns: 1000 },
  )
})

it('reads headers of any fields, or says that they are corrupt', () => {
  const header = fc.record({
    flag: fc.constantFrom(...'01234567xgXLKSVM\0'),
    size: fc.oneof(fc.nat({ max: 2000 }), fc.nat()),
    content: fc.oneof(fc.uint8Array({ maxLength: 1024 }), fc.string({ maxLength: 1024 }), paxText()),
    noise: fc.array(change, { maxLength: 2 }),
  })
  fc.assert(
    fc.property(fc.array(header, { maxLength: 6 }), fc.integer({ min: 1, max: 3000 }), (headers, size) => {
      const blocks = headers.flatMap(({ flag, size, content, noise }) => {
        const data = Buffer.from(content as string)
        const block = Buffer.alloc(512)
        block.write('name')
        block.write(`${(size % 3 === 0 ? size : data.length).toString(8).padStart(11, '0')}\0`, 124)
        block.write(flag, 156, 'latin1')
        block.write('ustar\x0000', 257, 'latin1')
        for (const { at, bytes } of noise) block.set(bytes, at % 480)
        return [block, data, Buffer.alloc((512 - (data.length % 512)) % 512)]
      })
      const archive = Buffer.concat(blocks)
      mendChecksums(archive)
      check(archive, size)
    }),
    { numRuns: 1000 },
  )
})

/** Records that make some sense. */
function paxText(): fc.Arbitrary<string> {
  const key = fc.constantFrom(
    'path',
    'size',
    'mtime',
    'uid',
    'SCHILY.xattr.user.x',
    'GNU.sparse.major',
    'GNU.sparse.minor',
    'GNU.sparse.map',
    'GNU.sparse.realsize',
    'GNU.sparse.offset',
    'GNU.sparse.numbytes',
    '__proto__',
  )
  const value = fc.oneof(fc.constantFrom('', '0', '1', '512', '0,1,5,7', '-1.5', '99999999999999999999'), fc.string({ maxLength: 20 }))
  return fc.array(fc.tuple(key, value), { maxLength: 8 }).map((records) =>
    records
      .map(([name, text]) => {
        const rest = ` ${name}=${text}\n`
        const length = Buffer.byteLength(rest)
        const digits = String(length + String(length).length).length
        return `${length + digits}${rest}`
      })
      .join(''),
  )
}

/** Makes every block that could be a header pass for one. */
function mendChecksums(archive: Buffer): void {
  for (let at = 0; at + 512 <= archive.length; at += 512) {
    const block = archive.subarray(at, at + 512)
    if (block.toString('latin1', 257, 262) !== 'ustar') continue
    block.fill(0x20, 148, 156)
    block.write(
      `${block
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, '0')}\0 `,
      148,
    )
  }
}
