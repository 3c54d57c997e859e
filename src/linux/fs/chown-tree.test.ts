import { chownSync, existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chownTree } from './chown-tree.ts'

let place: string
let tree: string

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'libpod-ts-chown-'))
  tree = join(place, 'tree')
  mkdirSync(join(tree, 'below'), { recursive: true })
  writeFileSync(join(tree, 'below', 'file'), '')
  writeFileSync(join(place, 'outside'), '')
  symlinkSync('../outside', join(tree, 'link'))
  symlinkSync('tree', join(place, 'to-tree'))
  symlinkSync('to-tree/below/file', join(place, 'to-file'))
})

afterEach(() => rmSync(place, { recursive: true }))

const owners = (paths: readonly string[]): string[] =>
  paths.map((path) => `${path} ${lstatSync(join(place, path)).uid}:${lstatSync(join(place, path)).gid}`)

test('what a link leads to is given, and the link is not; links in it are, and what they lead to is not', () => {
  chownTree(join(place, 'to-tree'), { uid: 70, gid: 71 })
  expect(owners(['tree', 'tree/below', 'tree/below/file', 'tree/link'])).toEqual([
    'tree 70:71',
    'tree/below 70:71',
    'tree/below/file 70:71',
    'tree/link 70:71',
  ])
  expect(owners(['to-tree', 'outside', '.'])).toEqual(['to-tree 0:0', 'outside 0:0', '. 0:0'])
})

test('a file is given, by whatever links', () => {
  chownTree(join(place, 'to-file'), { uid: 70, gid: 71 })
  expect(owners(['tree/below/file', 'tree/below', 'to-file'])).toEqual(['tree/below/file 70:71', 'tree/below 0:0', 'to-file 0:0'])
})

test('what is not there is fine', () => {
  symlinkSync('circle', join(place, 'circle'))
  for (const name of ['missing', 'missing/below', 'outside/below', 'circle']) chownTree(join(place, name), { uid: 70, gid: 71 })
  expect(owners(['outside'])).toEqual(['outside 0:0'])
  expect(existsSync(join(place, 'missing'))).toBe(false)
})

test('the home of a user is refused with all that is in it, and a folder in it is not', () => {
  const passwd = `ann:x:1000:1000:Ann:${tree}:/bin/sh\n`
  for (const path of [tree, join(place, 'to-tree'), `${tree}/below/..`]) {
    expect(() => chownTree(path, { uid: 70, gid: 71 }, passwd)).toThrow(
      expect.objectContaining({ code: 'invalid-argument', details: { path: 'path', value: path }, hint: expect.stringMatching(/./) }),
    )
  }
  expect(owners(['tree', 'tree/below', 'to-tree'])).toEqual(['tree 0:0', 'tree/below 0:0', 'to-tree 0:0'])
  chownSync(join(tree, 'below'), 5, 5)
  chownTree(join(tree, 'below'), { uid: 70, gid: 71 }, passwd)
  expect(statSync(join(tree, 'below')).uid).toBe(70)
})
