import { expect, test } from 'vitest'
import { parseChallenges } from './challenge.ts'

test.each<readonly [readonly string[], readonly object[]]>([
  [[], []],
  [[''], []],
  [['Basic'], [{ scheme: 'basic', parameters: {} }]],
  [
    ['Bearer realm="https://a.io/token",service="a, b",scope="repository:x:pull,push"'],
    [{ scheme: 'bearer', parameters: { realm: 'https://a.io/token', service: 'a, b', scope: 'repository:x:pull,push' } }],
  ],
  [
    ['Negotiate, Basic Realm="a \\"b\\"" , BEARER realm = plain:1'],
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'a "b"' } },
      { scheme: 'bearer', parameters: { realm: 'plain:1' } },
    ],
  ],
  [
    ['Basic realm="x"', 'Bearer realm="y"'],
    [
      { scheme: 'basic', parameters: { realm: 'x' } },
      { scheme: 'bearer', parameters: { realm: 'y' } },
    ],
  ],
  [
    ['Bearer realm="never closed'],
    [
      { scheme: 'bearer', parameters: {} },
      { scheme: 'realm', parameters: {} },
    ],
  ],
  [['"""'], []],
])('%j', (headers, expected) => {
  expect(parseChallenges(headers)).toEqual(expected)
})

test('a long one takes no time', () => {
  const text = `Bearer ${'a="b",'.repeat(10_000)}${'"\\'.repeat(10_000)}`
  expect(parseChallenges([text]).length).toBeGreaterThan(0)
})
