import { describe, expect, it } from 'vitest'
import { isLibpodError } from './errors.ts'
import { type Filters, type FilterTable, matchesLabel, matchFilters, parseFlag, readValues } from './filter.ts'

interface Thing {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}
const table: FilterTable<Thing> = {
  name: (thing, value) => thing.name === value,
  label: (thing, value) => matchesLabel(thing.labels, value),
  'label!': (thing, value) => !matchesLabel(thing.labels, value),
}
const things: readonly Thing[] = [
  { name: 'a', labels: { x: '1', y: '2' } },
  { name: 'b', labels: { x: '1' } },
  { name: 'c', labels: {} },
]
const names = (filters?: Filters): string =>
  things
    .filter(matchFilters(table, filters))
    .map(({ name }) => name)
    .join('')

describe('matchFilters', () => {
  it.each<[Filters | undefined, string]>([
    [undefined, 'abc'],
    [{}, 'abc'],
    [{ name: undefined }, 'abc'],
    [{ name: [] }, 'abc'],
    [{ name: 'a' }, 'a'],
    [{ name: ['a', 'c'] }, 'ac'],
    [{ label: 'x' }, 'ab'],
    [{ label: ['x', 'y=2'] }, 'a'],
    [{ label: 'x=2' }, ''],
    [{ label: 'toString' }, ''],
    [{ 'label!': ['y'] }, 'bc'],
    [{ 'label!': ['x', 'y'] }, 'c'],
    [{ name: ['a', 'b'], label: 'y' }, 'a'],
  ])('%j gives %s', (filters, expected) => expect(names(filters)).toBe(expected))

  it.each(['nope', 'constructor', '__proto__x'])('refuses the unknown key %s and names the known ones', (key) => {
    try {
      matchFilters(table, { [key]: 'x' })
      expect.unreachable()
    } catch (error) {
      if (!isLibpodError(error, 'invalid-argument')) throw error
      expect(error.details.path).toBe(`filters.${key}`)
      expect(error.message).toContain('label, label!, name')
    }
  })

  it('refuses values that are not texts', () => {
    expect(() => matchFilters(table, { name: [3 as unknown as string] })).toThrow(/filters\.name/)
  })
})

it('parseFlag knows the usual spellings', () => {
  expect(['true', '1', 'T', 'yes'].map((value) => parseFlag(value, 'x'))).toEqual([true, true, true, true])
  expect(['false', '0', 'F', 'no'].map((value) => parseFlag(value, 'x'))).toEqual([false, false, false, false])
  expect(() => parseFlag('maybe', 'filters.dangling')).toThrow(/^filters\.dangling/)
})

describe('readValues', () => {
  it('reads each value once, before it is asked for', () => {
    const seen: string[] = []
    const letterOf = readValues(['a', 'b', 'a', 5 as never], (value) => {
      seen.push(value)
      return value.toUpperCase()
    })
    expect(seen).toEqual(['a', 'b'])
    expect([letterOf('a'), letterOf('b'), seen.length]).toEqual(['A', 'B', 2])
    expect(readValues(undefined, parseInt)('7')).toBe(7)
  })

  it('throws at once for what cannot be read', () => {
    expect(() => readValues('x', (value) => parseFlag(value, 'filters.dangling'))).toThrow('neither true nor false')
  })
})
