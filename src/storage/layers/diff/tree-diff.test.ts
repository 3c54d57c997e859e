import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { removeTree } from '../../../linux/fs/remove-tree.ts'
import { mount, unmount } from '../../../linux/mounts.ts'
import { setXattr } from '../../../linux/xattr.ts'
import { collectEntries } from '../../test-support/collect-entries.ts'
import { describeTree } from '../../test-support/describe-tree.ts'
import { LayerWarnings } from '../warnings.ts'
import { diffChunks } from './diff-layer.ts'

const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-tree-diff-'))
afterAll(() => removeTree(directory))

let own: string
let parent: string
let count = 0

beforeEach(() => {
  own = join(directory, `own-${++count}`)
  parent = join(directory, `parent-${count}`)
  mkdirSync(own)
})

const sh = (script: string, cwd: string): string => execFileSync('sh', ['-e', '-c', script], { cwd, encoding: 'utf8' })

/** The names in the layer of what `change` does to a copy of a tree; hard links with what they are links to. */
function changed(tree: string, change: string): string[] {
  mkdirSync(parent)
  sh(tree, parent)
  execFileSync('cp', ['-a', '-T', parent, own])
  sh(change, own)
  const { entries } = collectEntries(Buffer.concat([...diffChunks({ form: 'trees', own, parent }, new LayerWarnings())]))
  return entries.map(({ type, name, linkName }) => (type === 'hardlink' ? `${name} = ${linkName}` : name.toString()))
}

describe('two trees', () => {
  test('that are alike make an empty layer, also when only the time of the top differs', () => {
    const tree = 'mkdir -p a/b; echo 1 > a/f; ln a/f a/g; ln -s x a/l; mkfifo a/p; mknod a/d b 8 1; setfattr -n user.x -v 1 a/f'
    expect(changed(tree, 'touch -d @1 .')).toEqual([])
  })

  test.each([
    ['its content', 'echo 2 >> d/f', ['.', 'd', 'd/f']],
    ['its time, to the nanosecond', 'touch -d @1.000000002 d/f', ['.', 'd', 'd/f']],
    ['its mode', 'chmod 4755 d/f', ['.', 'd', 'd/f']],
    ['its owner', 'chown 1:0 d/f', ['.', 'd', 'd/f']],
    ['its group', 'chgrp 1 d', ['.', 'd']],
    ['an attribute', 'setfattr -n user.x -v 2 d/f', ['.', 'd', 'd/f']],
    ['an attribute less', 'setfattr -x user.x d/f', ['.', 'd', 'd/f']],
    ['where it points to', 'ln -sfn y d/l; touch -h -d @1 d/l; touch -d @1 d', ['.', 'd', 'd/l']],
    ['which device it is', 'rm d/n; mknod d/n c 1 5; touch -d @1 d d/n', ['.', 'd', 'd/n']],
    ['what it is', 'rm d/f; mkdir d/f; touch d/f/in; touch -d @1 d', ['.', 'd', 'd/f', 'd/f/in']],
    ['what it was', 'rm -r d/sub; echo > d/sub; touch -d @1 d', ['.', 'd', 'd/sub']],
    ['that it is not there', 'rm -r d/sub d/f; touch -d @1 d', ['.', 'd', 'd/.wh.f', 'd/.wh.sub']],
    ['that it is new', 'touch d/sub/new', ['.', 'd', 'd/sub', 'd/sub/new']],
    ['the top itself', 'chmod 700 .', ['.']],
    ['an attribute of the top', 'setfattr -n user.x -v 2 .', ['.']],
    [
      'that it is a socket now',
      `rm d/f; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('d/f')"; touch -d @1 d`,
      ['.', 'd', 'd/.wh.f'],
    ],
  ])('differ by %s', (_, change, names) => {
    const tree = `mkdir -p d/sub; echo 1 > d/f; echo deep > d/sub/f; ln -s x d/l; mknod d/n c 1 3; setfattr -n user.x -v 1 d/f
      touch -h -d @1 d/l; touch -d @1 d/f d/n d/sub d`
    expect(changed(tree, change)).toEqual(names)
  })

  test.each([
    ['one more name for an old file', 'echo 1 > a', 'ln a b', ['.', 'a', 'b = a']],
    ['a new name among old ones', 'echo 1 > a; ln a b', 'ln b c', ['.', 'a', 'b = a', 'c = a']],
    ['one name less', 'echo 1 > a; ln a b', 'rm b', ['.', '.wh.b']],
    ['two that are one now', 'echo 1 > a; cp -a a b', 'ln -f a b', ['.', 'a', 'b = a']],
    ['one that is two now', 'echo 1 > a; ln a b', 'cp -a a c; mv c b', ['.', 'a', 'b']],
    ['a change seen by all names', 'echo 1 > b; ln b a; ln b c', 'echo 2 >> c', ['.', 'a', 'b = a', 'c = a']],
    ['a rename', 'echo 1 > a; ln a b', 'mv a c', ['.', '.wh.a', 'b', 'c = b']],
    ['links to what is no file', 'ln -s x a; mkfifo f', 'ln a b; ln f g', ['.', 'a', 'b = a', 'f', 'g = f']],
  ])('links: %s', (_, tree, change, names) => {
    expect(changed(`${tree}; touch -h -d @1 *`, change)).toEqual(names)
  })
})

describe('a whole tree', () => {
  const archiveOf = (warnings: LayerWarnings, sparse = false): Buffer =>
    Buffer.concat([...diffChunks({ form: 'whole', own, sparse }, warnings)])

  const extracted = (archive: Buffer): string => {
    mkdirSync(parent)
    execFileSync('tar', ['-x', '-p', '--numeric-owner', '--xattrs', '--xattrs-include=*', '-C', parent], { input: archive })
    return parent
  }

  test('comes back from GNU tar as it was; a copy makes the same bytes', () => {
    const tree = `mkdir -p d/e empty; echo 1 > d/f; ln d/f d/e/g; ln -s ../f d/e/l; mkfifo p; mknod n c 1 3; mknod b b 8 1; chmod 6755 d/f
      head -c 1000000 /dev/urandom > large; touch exactly; truncate -s 512 exactly; chown 4294967294:2097152 d; chmod 1777 d
      mkdir -p ${'n'.repeat(200)}/${'m'.repeat(200)}; touch ${'n'.repeat(200)}/${'m'.repeat(200)}/${'x'.repeat(255)}; touch -d @-1.5 p`
    sh(tree, own)
    writeFileSync(Buffer.concat([Buffer.from(`${own}/d/`), Buffer.from([0xff, 0xfe, 0x0a])]), 'bytes')
    setXattr(join(own, 'd/f'), 'security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex'))
    setXattr(join(own, 'd'), 'user.binary', Buffer.from([0xff, 0x00, 0x0a, 0x3d]))
    const warnings = new LayerWarnings()
    const archive = archiveOf(warnings)
    expect(warnings.list()).toEqual([])
    expect(describeTree(extracted(archive))).toEqual(describeTree(own))
    execFileSync('cp', ['-a', '-T', own, `${own}-copy`])
    own = `${own}-copy`
    expect(archiveOf(warnings).equals(archive)).toBe(true)
  })

  test('is told what no layer can have', () => {
    const socket = (name: string): string => `import socket; socket.socket(socket.AF_UNIX).bind('${name}')`
    sh(`python3 -c "${socket('one')}"; python3 -c "${socket('two')}"; mknod zero c 0 0; touch .wh.x; mkdir .wh.d; touch .wh.d/in kept`, own)
    const warnings = new LayerWarnings()
    expect(collectEntries(archiveOf(warnings)).entries.map(({ name }) => name.toString())).toEqual(['.', 'kept'])
    expect(warnings.list()).toEqual([
      'The file ".wh.d", and perhaps others, is left out: its name would be a deletion.',
      'The file "one", and perhaps others, is left out: it is a socket.',
      'The file "zero", and perhaps others, is left out: the device 0:0 would be a deletion.',
    ])
  })

  test('ends where something is mounted', () => {
    sh('mkdir -p a/m; echo 1 > a/f', own)
    const warnings = new LayerWarnings()
    mount({ type: 'tmpfs', source: 'tmpfs', target: join(own, 'a/m'), options: ['size=64k'] })
    try {
      writeFileSync(join(own, 'a/m/hidden'), '')
      expect(collectEntries(archiveOf(warnings)).entries.map(({ name }) => name.toString())).toEqual(['.', 'a', 'a/f', 'a/m'])
    } finally {
      unmount(join(own, 'a/m'))
    }
    expect(warnings.list()).toEqual(['What is in the directory "a/m", and perhaps others, is left out: something else is mounted on it.'])
  })

  test('may be deeper than any path, and takes few descriptors', () => {
    const script = `import os,sys
os.chdir(sys.argv[1])
for i in range(300):
  open("f","w").close(); os.mkdir("d"*20); os.chdir("d"*20)`
    execFileSync('python3', ['-c', script, own])
    const warnings = new LayerWarnings()
    const before = readdirSync('/proc/self/fd').length
    let most = 0
    const chunks: Buffer[] = []
    for (const chunk of diffChunks({ form: 'whole', own }, warnings)) {
      most = Math.max(most, readdirSync('/proc/self/fd').length)
      chunks.push(chunk)
    }
    expect(most - before).toBeLessThan(70)
    expect(readdirSync('/proc/self/fd').length).toBe(before)
    const { entries } = collectEntries(Buffer.concat(chunks))
    // A directory takes 21 bytes of the 4,095 that a path has.
    expect(entries.length).toBe(1 + 195 + 195)
    expect(Math.max(...entries.map(({ name }) => name.length))).toBe(195 * 21 - 1)
    expect(warnings.list()).toEqual([expect.stringContaining('its path is longer than any path may be')])
  })

  test('has no holes in its files unless that is asked for', () => {
    sh(
      'truncate -s 3000000 holes; echo end >> holes; truncate -s 5000000 all; echo 1 > none; printf x | dd of=start bs=1 conv=notrunc status=none; truncate -s 100000 start',
      own,
    )
    const plain = archiveOf(new LayerWarnings())
    const sparse = archiveOf(new LayerWarnings(), true)
    expect(plain.length).toBeGreaterThan(8_100_000)
    expect(sparse.length).toBeLessThan(40_000)
    expect(collectEntries(plain).entries.some((entry) => entry.sparse !== undefined)).toBe(false)
    expect(describeTree(extracted(plain))).toEqual(describeTree(own))
    rmSync(parent, { recursive: true })
    expect(describeTree(extracted(sparse))).toEqual(describeTree(own))
    expect(statSync(join(parent, 'all')).blocks).toBe(0)
    const holes = collectEntries(sparse).entries.find(({ name }) => name.toString() === 'holes')
    expect(holes?.content.equals(readFileSync(join(own, 'holes')))).toBe(true)
  })

  test('may have files of any size; what is not there is not read', () => {
    sh('truncate -s 1T huge', own)
    const listed = execFileSync('tar', ['-t', '-v', '-f', '-'], { input: archiveOf(new LayerWarnings(), true), encoding: 'utf8' })
    expect(listed).toContain(` ${2 ** 40} `)
    let bytes = 0
    for (const chunk of diffChunks({ form: 'whole', own }, new LayerWarnings())) {
      bytes += chunk.length
      if (bytes > 1 << 28) break
    }
    expect(bytes).toBeGreaterThan(1 << 28)
  })

  test.each([
    ['shorter', (path: string) => truncateSync(path, 300_000)],
    ['longer', (path: string) => appendFileSync(path, 'more')],
  ])('may have a file that becomes %s while it is read', (_, change) => {
    const path = join(own, 'moving')
    writeFileSync(path, Buffer.alloc(1_000_000, 'x'))
    writeFileSync(join(own, 'next'), 'next')
    const warnings = new LayerWarnings()
    const chunks = diffChunks({ form: 'whole', own }, warnings)
    const first = chunks.next().value ?? Buffer.alloc(0)
    change(path)
    const { entries } = collectEntries(Buffer.concat([first, ...chunks]))
    expect(entries.map(({ name, content }) => [name.toString(), content.length])).toEqual([
      ['.', 0],
      ['moving', 1_000_000],
      ['next', 4],
    ])
    expect(entries[1]?.content.subarray(0, 250_000).equals(Buffer.alloc(250_000, 'x'))).toBe(true)
    expect(warnings.list()).toEqual(['"moving", and perhaps others, changed while it was read: its 1000000 bytes were cut or filled up.'])
  })

  test('may lose files and directories while it is read', () => {
    mkdirSync(join(own, 'b'))
    for (let index = 0; index < 50; index++) writeFileSync(join(own, `a${index}`), Buffer.alloc(20_000))
    writeFileSync(join(own, 'b/in'), '')
    writeFileSync(join(own, 'c'), '')
    const chunks = diffChunks({ form: 'whole', own }, new LayerWarnings())
    const first = chunks.next().value ?? Buffer.alloc(0)
    rmSync(join(own, 'b'), { recursive: true })
    sh('rm c; mkfifo c', own)
    const names = collectEntries(Buffer.concat([first, ...chunks])).entries.map(({ name, type }) => `${type} ${name}`)
    expect(names.length).toBe(1 + 50 + 1)
    expect(names.at(-1)).toBe('fifo c')
  })

  test('may have a file with more attributes than a header has room for', () => {
    writeFileSync(join(own, 'file'), '')
    mount({ type: 'tmpfs', source: 'tmpfs', target: own, options: ['size=16m'] })
    try {
      writeFileSync(join(own, 'file'), '')
      for (let index = 0; index < 10; index++) setXattr(join(own, 'file'), `trusted.large${index}`, Buffer.alloc(60_000, 'x'))
      const warnings = new LayerWarnings()
      expect(collectEntries(archiveOf(warnings)).entries[1]?.xattrs.size).toBe(0)
      expect(warnings.list()).toEqual(['The attributes of "file", and perhaps of others, are left out: they are larger than 512 KiB.'])
    } finally {
      unmount(own)
    }
  })
})
