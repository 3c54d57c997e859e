import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findNamespacePrograms } from './make-namespaces.ts'
import { mappingsOf, parseSubordinateIds, readIdMappings } from './subordinate-ids.ts'

const user = { uid: 1000, gid: 1001, name: 'ann' }
let etc = ''

beforeAll(() => {
  etc = mkdtempSync(join(tmpdir(), 'libpod-ts-etc-'))
})

afterAll(() => rmSync(etc, { recursive: true }))

test.each([
  ['ann:100000:65536\n', [{ start: 100_000, count: 65_536 }]],
  [
    'bob:1:2\n1000:5:6\nann:7:8\n',
    [
      { start: 5, count: 6 },
      { start: 7, count: 8 },
    ],
  ],
  ['', []],
  ['annabel:100000:65536\nann:x:1\nann:1:0\nann:1\nann:1:2:3\n# ann:1:2\n', []],
])('%j', (text, ranges) => {
  expect(parseSubordinateIds(text, user)).toEqual(ranges)
})

test('the user is root, and his ranges follow without a gap', () => {
  expect(
    mappingsOf(1000, [
      { start: 100_000, count: 10 },
      { start: 500, count: 5 },
    ]),
  ).toEqual([
    [0, 1000, 1],
    [1, 100_000, 10],
    [11, 500, 5],
  ])
})

test('what is missing is named, with what to add where', async () => {
  await expect(readIdMappings(user, etc)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/subuid and .*subgid have no line.*usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ann/),
  })
  writeFileSync(join(etc, 'subuid'), 'ann:100000:65536\n')
  await expect(readIdMappings(user, etc)).rejects.toMatchObject({ details: { what: join(etc, 'subgid') } })
  writeFileSync(join(etc, 'subgid'), '1000:200000:65536\n')
  expect(await readIdMappings(user, etc)).toEqual({
    uids: [
      [0, 1000, 1],
      [1, 100_000, 65_536],
    ],
    gids: [
      [0, 1001, 1],
      [1, 200_000, 65_536],
    ],
  })
})

test('a program that is not installed is named, with how to install it', async () => {
  await expect(findNamespacePrograms([etc])).rejects.toMatchObject({
    code: 'unavailable',
    details: { what: expect.stringMatching(/^new[ug]idmap$/), install: 'apt-get install uidmap' },
  })
})
