import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { libc } from '../native/libc.ts'
import { directorySize } from './directory-size.ts'
import { removeTree } from './remove-tree.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-size-'))
afterAll(() => removeTree(directory))

test('counts sizes, links once, sparse files by what they take, and itself', () => {
  const tree = join(directory, 'tree')
  mkdirSync(join(tree, 'a/b'), { recursive: true })
  writeFileSync(join(tree, 'a/file'), Buffer.alloc(10_000))
  linkSync(join(tree, 'a/file'), join(tree, 'a/b/again'))
  symlinkSync('file', join(tree, 'a/link'))
  writeFileSync(join(tree, 'sparse'), '')
  truncateSync(join(tree, 'sparse'), 1_000_000)
  const { bytes, diskBytes, inodes } = directorySize(tree)
  expect(bytes).toBe(10_000 + 'file'.length + 1_000_000)
  expect(inodes).toBe(6)
  expect(diskBytes).toBe(Number(execFileSync('du', ['-s', '--block-size=1', tree]).toString().split('\t')[0]))
})

test('does not look into what is mounted in it; a missing directory takes nothing', () => {
  const tree = join(directory, 'host')
  mkdirSync(join(tree, 'mounted'), { recursive: true })
  mkdirSync(join(directory, 'other'))
  writeFileSync(join(directory, 'other/big'), Buffer.alloc(1000))
  libc().mount(join(directory, 'other'), join(tree, 'mounted'), null, 0x1000, null)
  try {
    expect(directorySize(tree).bytes).toBe(0)
  } finally {
    libc().umount2(join(tree, 'mounted'), 0)
  }
  expect(directorySize(join(directory, 'missing'))).toEqual({ bytes: 0, diskBytes: 0, inodes: 0 })
})

test('a tree that is deeper than any path', () => {
  const tree = join(directory, 'deep')
  const make =
    'import os,sys\nos.mkdir(sys.argv[1]); os.chdir(sys.argv[1])\nfor i in range(400):\n  open("f","w").write("x"); os.mkdir("d"*20); os.chdir("d"*20)'
  execFileSync('python3', ['-c', make, tree])
  expect(directorySize(tree)).toMatchObject({ bytes: 400, inodes: 801 })
})
