import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { describeTree } from '../../storage/test-support/describe-tree.ts'
import { mount, unmount } from '../mounts.ts'
import { setXattr } from '../xattr.ts'
import { copyTree } from './copy-tree.ts'
import { removeTree } from './remove-tree.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-copy-'))
afterAll(() => removeTree(directory))

let count = 0
function fresh(): string {
  const path = join(directory, String(count++))
  mkdirSync(path)
  return path
}

function copy(from: string, to: string): number {
  let turns = 0
  for (const _ of copyTree(from, to)) turns++
  return turns
}

test('copies everything that belongs to files', () => {
  const tree = fresh()
  const script = `cd "$0"
    mkdir -p a/b/c locked; echo text > a/file; : > empty; head -c 3000000 /dev/urandom > large; ln a/file a/b/hard; ln a/file zhard
    ln -s /etc/passwd link; ln link samelink; mkfifo -m 640 fifo; ln fifo a/fifo; mknod null c 1 3; mknod -m 600 disk b 8 70000
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
    truncate -s 50M sparse; printf data | dd of=sparse bs=1 seek=20000000 conv=notrunc 2>/dev/null; truncate -s 1M holes
    chown 1234:5678 a/file; chown -h 7:8 link; chmod 6755 large; chmod 1777 a; chmod 0 locked empty
    touch -h -d '1969-12-31 23:59:58.5 UTC' link; touch -d '2030-01-01 00:00:00.000000001 UTC' a/b a/file; touch -d '2001-02-03 04:05:06.789 UTC' a .`
  execFileSync('sh', ['-e', '-c', script, tree])
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from('ff0afe', 'hex')]), 'no text')
  setXattr(join(tree, 'a/file'), 'user.binary', Buffer.from([0, 0xff, 0x0a]))
  setXattr(join(tree, 'link'), 'trusted.link', Buffer.from('own'))
  setXattr(join(tree, 'a'), 'trusted.overlay.opaque', Buffer.from('y'))
  setXattr(join(tree, 'large'), 'security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex'))
  execFileSync('touch', ['-d', '2001-02-03 04:05:06.789 UTC', tree])

  const to = fresh()
  expect(copy(tree, to)).toBeGreaterThan(15)
  expect(describeTree(to)).toEqual(describeTree(tree))
  expect(['sparse', 'holes'].map((name) => statSync(join(to, name)).blocks < 100)).toEqual([true, true])
})

test('a deep tree', () => {
  const tree = fresh()
  execFileSync('python3', [
    '-c',
    'import os,sys\nos.chdir(sys.argv[1])\nfor n in range(1500):\n  os.mkdir("d"); os.chdir("d")\nopen("x","w")',
    tree,
  ])
  const to = fresh()
  copy(tree, to)
  execFileSync('python3', ['-c', 'import os,sys\nos.chdir(sys.argv[1])\nfor n in range(1500): os.chdir("d")\nos.stat("x")', to])
})

test('what fails or is left in the middle leaves no descriptor open', () => {
  const tree = fresh()
  for (const name of ['a', 'b']) mkdirSync(join(tree, name))
  writeFileSync(join(tree, 'a/file'), Buffer.alloc(3_000_000, 1))
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = open()
  expect(() => copy(join(tree, 'missing'), fresh())).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  expect(() => copy(tree, join(tree, 'missing'))).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  const full = fresh()
  mkdirSync(join(full, 'a'))
  expect(() => copy(tree, full)).toThrow(expect.objectContaining({ code: 'EEXIST' }))
  const small = fresh()
  mount({ type: 'tmpfs', source: 'tmpfs', target: small, options: ['size=1m'] })
  try {
    expect(() => copy(tree, small)).toThrow(expect.objectContaining({ code: 'no-space' }))
  } finally {
    unmount(small)
  }
  for (let steps = 0; steps < 8; steps++) {
    const copying = copyTree(tree, fresh())
    for (let step = 0; step < steps; step++) copying.next()
    copying.return()
  }
  expect(open()).toBe(before)
})
