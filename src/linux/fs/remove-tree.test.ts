import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { libc } from '../native/libc.ts'
import { removeTree } from './remove-tree.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'libpod-ts-remove-'))
})

afterEach(() => {
  removeTree(directory)
  expect(existsSync(directory)).toBe(false)
})

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

test('files, links, fifos, devices, sockets and names that are not UTF-8', () => {
  const tree = join(directory, 'tree')
  mkdirSync(join(tree, 'a/b/c'), { recursive: true })
  writeFileSync(join(tree, 'a/file'), 'x')
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/a/b/`), Buffer.from([0xff, 0xfe])]), 'x')
  mkdirSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0x80])]))
  writeFileSync(join(directory, 'outside'), 'stays')
  symlinkSync(directory, join(tree, 'a/up'))
  symlinkSync('nowhere', join(tree, 'a/dangling'))
  execFileSync('mkfifo', [join(tree, 'fifo')])
  execFileSync('mknod', [join(tree, 'null'), 'c', '1', '3'])
  execFileSync('python3', ['-c', `import socket; socket.socket(socket.AF_UNIX).bind(${JSON.stringify(join(tree, 'socket'))})`])
  const before = openDescriptors()
  removeTree(tree)
  expect(openDescriptors()).toBe(before)
  expect(readdirSync(directory)).toEqual(['outside'])
  expect(readFileSync(join(directory, 'outside'), 'utf8')).toBe('stays')
})

test('a file, a link that is not followed, and what is not there', () => {
  mkdirSync(join(directory, 'kept'))
  symlinkSync(join(directory, 'kept'), join(directory, 'link'))
  writeFileSync(join(directory, 'file'), '')
  removeTree(join(directory, 'link'))
  removeTree(join(directory, 'file'))
  removeTree(join(directory, 'missing'))
  removeTree(join(directory, 'missing/below'))
  expect(readdirSync(directory)).toEqual(['kept'])
})

test('a tree that is deeper than any path, with few descriptors', () => {
  const tree = join(directory, 'deep')
  // 1,500 levels of 20 bytes; each step goes through a descriptor, as no path would reach.
  execFileSync('python3', [
    '-c',
    `import os,sys
os.mkdir(sys.argv[1]); os.chdir(sys.argv[1])
for i in range(1500):
  open("f","w").close(); os.mkdir("d"*20); os.chdir("d"*20)`,
    tree,
  ])
  const before = openDescriptors()
  removeTree(tree)
  expect(existsSync(tree)).toBe(false)
  expect(openDescriptors()).toBe(before)
})

test('immutable and append-only files and directories', () => {
  const tree = join(directory, 'locked')
  mkdirSync(join(tree, 'inner'), { recursive: true })
  writeFileSync(join(tree, 'inner/a'), '')
  writeFileSync(join(tree, 'b'), '')
  execFileSync('chattr', ['+a', join(tree, 'inner/a')])
  execFileSync('chattr', ['+i', join(tree, 'b'), join(tree, 'inner'), tree])
  expect(() => rmSync(tree, { recursive: true })).toThrow()
  removeTree(tree)
  expect(existsSync(tree)).toBe(false)
})

test('odd modes, without the right to pass over them', () => {
  execFileSync('chmod', ['755', directory])
  const tree = join(directory, 'odd')
  mkdirSync(tree)
  const setup = `cd ${tree} && mkdir -p a/b/c && touch a/b/c/f a/f && chmod 000 a/b/c && chmod 444 a/b && chmod 111 a`
  execFileSync('chown', ['65534', tree])
  const as = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all']
  execFileSync('setpriv', [...as, 'sh', '-c', setup])
  const script = `import { removeTree } from ${JSON.stringify(new URL('./remove-tree.ts', import.meta.url).href)}
    removeTree(${JSON.stringify(join(tree, 'a'))})`
  const { stderr, status } = spawnSync('setpriv', [...as, 'node', '--import', 'tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
    cwd: process.cwd(),
    env: { ...process.env, TSX_DISABLE_CACHE: '1', HOME: '/nonexistent' },
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  expect(readdirSync(tree)).toEqual([])
})

test('never goes into what is mounted in it, not even of the same file system', () => {
  const tree = join(directory, 'host')
  mkdirSync(join(tree, 'deep/mounted'), { recursive: true })
  mkdirSync(join(directory, 'precious'))
  writeFileSync(join(directory, 'precious/data'), 'stays')
  const target = join(tree, 'deep/mounted')
  libc().mount(join(directory, 'precious'), target, null, 0x1000, null)
  try {
    expect(() => removeTree(tree)).toThrow(
      expect.objectContaining({ code: 'in-use', details: { kind: 'directory', ref: tree, users: [] } }),
    )
    expect(() => removeTree(target)).toThrow(expect.objectContaining({ code: 'in-use' }))
    expect(readFileSync(join(directory, 'precious/data'), 'utf8')).toBe('stays')
  } finally {
    libc().umount2(target, 0)
  }
})

test('a file that something is mounted on is not removed either', () => {
  const tree = join(directory, 'host')
  mkdirSync(tree)
  for (const name of ['a', 'b']) writeFileSync(join(tree, name), name)
  libc().mount(join(tree, 'a'), join(tree, 'b'), null, 0x1000, null)
  try {
    expect(() => removeTree(tree)).toThrow(expect.objectContaining({ code: 'in-use' }))
  } finally {
    libc().umount2(join(tree, 'b'), 0)
  }
})

test('a large flat directory', () => {
  const tree = join(directory, 'flat')
  mkdirSync(tree)
  for (let index = 0; index < 2000; index++) writeFileSync(join(tree, `file-${index}`), '')
  removeTree(tree)
  expect(existsSync(tree)).toBe(false)
})
