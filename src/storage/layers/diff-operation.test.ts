import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { digestOf } from '../../base/digest.ts'
import { mount, unmount } from '../../linux/mounts.ts'
import { storageWork } from '../helper-client.ts'
import { collectEntries } from '../test-support/collect-entries.ts'
import { realHelper } from '../test-support/real-helper.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-diff-operation-'))
const helper = realHelper()
const { diffLayer } = storageWork(helper)

afterAll(async () => {
  await helper.close()
  rmSync(directory, { recursive: true })
})

/** A tree with a file of this size, all of it a hole. */
function treeOf(name: string, size: string): string {
  const tree = join(directory, name)
  mkdirSync(tree)
  execFileSync('truncate', ['-s', size, join(tree, 'file')])
  return tree
}

function emptyFile(name: string): string {
  const path = join(directory, name)
  closeSync(openSync(path, 'w'))
  return path
}

test.each([
  ['none', ['cat']],
  ['gzip', ['gzip', '-d', '-c']],
  ['zstd', ['zstd', '-d', '-c']],
] as const)('writes a layer with %s, over what was there, and tells how far it is', async (compression, [program = '', ...args]) => {
  const own = treeOf(compression, '20M')
  const output = join(directory, `${compression}.blob`)
  writeFileSync(output, Buffer.alloc(100_000_000))
  const told: number[] = []
  const layer = await diffLayer({ form: 'whole', own, output, compression }, { onProgress: (bytes) => told.push(bytes) })
  const bytes = readFileSync(output)
  const archive = execFileSync(program, args, { input: bytes, maxBuffer: 1 << 26 })
  expect(layer).toEqual({
    digest: digestOf(bytes),
    sizeBytes: bytes.length,
    diffId: digestOf(archive),
    uncompressedBytes: archive.length,
    warnings: [],
  })
  expect(collectEntries(archive).entries.map(({ name, size }) => [name.toString(), size])).toEqual([
    ['.', 0],
    ['file', 20 << 20],
  ])
  expect(told.length).toBeGreaterThan(3)
  expect(told).toEqual([...told].sort((one, other) => one - other))
  expect(told.at(-1)).toBe(archive.length)
})

test('hears an abort between two bursts, and the helper lives on', async () => {
  const own = treeOf('endless', '4T')
  const { pid } = helper
  for (const compression of ['gzip', 'zstd'] as const) {
    const abort = new AbortController()
    const reason = new Error('enough')
    const onProgress = (): void => abort.abort(reason)
    const output = emptyFile(`endless.${compression}`)
    await expect(diffLayer({ form: 'whole', own, output, compression, level: 1 }, { signal: abort.signal, onProgress })).rejects.toBe(
      reason,
    )
  }
  expect(helper.pid).toBe(pid)
})

test('says what is wrong', async () => {
  const own = treeOf('small', '1M')
  const source = { form: 'whole', own, compression: 'none' } as const
  await expect(diffLayer({ ...source, output: join(directory, 'missing') })).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(diffLayer({ ...source, own: join(directory, 'nowhere'), output: emptyFile('nothing') })).rejects.toMatchObject({
    code: 'ENOENT',
  })
  symlinkSync(emptyFile('precious'), join(directory, 'link'))
  await expect(diffLayer({ ...source, output: join(directory, 'link') })).rejects.toMatchObject({ code: 'ELOOP' })
  await expect(diffLayer({ ...source, compression: 'gzip', level: 11, output: emptyFile('level') })).rejects.toMatchObject({
    code: 'invalid-argument',
    details: { path: 'level', value: 11 },
  })
  const full = join(directory, 'full')
  mkdirSync(full)
  mount({ type: 'tmpfs', source: 'tmpfs', target: full, options: ['size=64k'] })
  try {
    await expect(diffLayer({ ...source, output: emptyFile('full/blob') })).rejects.toMatchObject({ code: 'no-space' })
  } finally {
    unmount(full)
  }
})
