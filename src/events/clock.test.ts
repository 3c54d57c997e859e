import { expect, it, vi } from 'vitest'
import { EventClock, formatNanoseconds, parseNanoseconds } from './clock.ts'

/** Give or take what the wall clock is set by while it runs. */
function expectBetween(time: string | undefined, from: number, to: number): void {
  expect(Date.parse(time ?? '')).toBeGreaterThan(from - 100)
  expect(Date.parse(time ?? '')).toBeLessThan(to + 100)
}

it('tells the wall time with nanoseconds, always later', () => {
  const clock = new EventClock()
  const before = Date.now()
  const times = Array.from({ length: 1000 }, () => clock.now())
  expect([...new Set(times)].sort()).toEqual(times)
  expectBetween(times[0], before, Date.now())
})

it('is not led astray when it is kept waiting between its two clocks', () => {
  const clock = new EventClock()
  const before = Date.now()
  const times: string[] = []
  const wall = Date.now.bind(Date)
  const now = vi.spyOn(Date, 'now').mockImplementation(() => {
    if (times.length % 3 === 0) for (const until = process.hrtime.bigint() + 5_000_000n; process.hrtime.bigint() < until; );
    return wall()
  })
  try {
    for (let at = 0; at < 20; at++) times.push(clock.now())
  } finally {
    now.mockRestore()
  }
  expect([...new Set(times)].sort()).toEqual(times)
  expectBetween(times.at(-1), before, Date.now())
})

it('goes on from a wall clock that is set ahead', () => {
  const clock = new EventClock()
  const first = clock.now()
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2101-02-03T04:05:06Z'))
  try {
    const times = [first, clock.now(), clock.now(), clock.now()]
    expect(times[1]).toMatch(/^2101-02-03T04:05:06\.0/)
    expect([...new Set(times)].sort()).toEqual(times)
  } finally {
    now.mockRestore()
  }
})

it('follows when the wall clock is set', () => {
  const clock = new EventClock()
  clock.now()
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2001-02-03T04:05:06Z'))
  try {
    expect(clock.now()).toMatch(/^2001-02-03T04:05:06\.0/)
  } finally {
    now.mockRestore()
  }
  const before = Date.now()
  expectBetween(clock.now(), before, Date.now())
})

it.each([
  ['2020-01-01T00:00:00.000000001Z', 1_577_836_800_000_000_001n],
  ['2020-01-01T00:00:00Z', 1_577_836_800_000_000_000n],
  ['2020-01-01T01:00:00.5+01:00', 1_577_836_800_500_000_000n],
  ['2020-01-01', 1_577_836_800_000_000_000n],
])('parses %s', (text, time) => {
  expect(parseNanoseconds(text)).toBe(time)
})

it('does not parse what is no time, and formats what it parsed', () => {
  expect(parseNanoseconds('soon')).toBeUndefined()
  expect(formatNanoseconds(1_577_836_800_000_000_001n)).toBe('2020-01-01T00:00:00.000000001Z')
})
