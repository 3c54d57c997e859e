import { LibpodError } from './errors.ts'

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/**
 * Reads a point in time as `--since` and `--until` take it: RFC 3339 (a date alone is midnight UTC), seconds since
 * 1970, or how long ago (`90s`, `1h30m`, `2d`). Gives milliseconds since 1970.
 */
export function parseInstant(text: string, path: string, now: number = Date.now()): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000
  const ago = parseAgo(text)
  if (ago !== undefined) return now - ago
  const absolute = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(absolute)) return absolute
  throw new LibpodError(
    'invalid-argument',
    `${path}: ${JSON.stringify(text)} is not a point in time.`,
    { path, value: text },
    { hint: 'Write 2026-01-31T12:00:00Z, seconds since 1970, or how long ago, as 1h30m.' },
  )
}

/** `1h30m` in milliseconds; `undefined` if it is not such a text. */
function parseAgo(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|[smhdw]))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, , unit = ''] of text.matchAll(/(\d+(\.\d+)?)(ms|[smhdw])/g)) total += Number(amount) * (unitsMs[unit] ?? 0)
  return total
}
