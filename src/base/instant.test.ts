import { expect, it } from 'vitest'
import { parseInstant } from './instant.ts'

const now = Date.parse('2026-01-02T00:00:00Z')

it.each([
  ['2026-01-01T12:00:00Z', '2026-01-01T12:00:00.000Z'],
  ['2026-01-01T12:00:00.5+02:00', '2026-01-01T10:00:00.500Z'],
  ['2026-01-01', '2026-01-01T00:00:00.000Z'],
  ['1767225600', '2026-01-01T00:00:00.000Z'],
  ['1h30m', '2026-01-01T22:30:00.000Z'],
  ['90s', '2026-01-01T23:58:30.000Z'],
  ['1.5h', '2026-01-01T22:30:00.000Z'],
  ['250ms', '2026-01-01T23:59:59.750Z'],
  ['1w1d', '2025-12-25T00:00:00.000Z'],
])('%s is %s', (text, expected) => expect(new Date(parseInstant(text, 'until', now)).toISOString()).toBe(expected))

it.each(['', 'yesterday', '5 minutes', 'h', '2026-13-01', '-5m'])('refuses %j', (text) => {
  expect(() => parseInstant(text, 'filters.until', now)).toThrow(/^filters\.until/)
})
