import type { Result } from './result.ts'
import { median, summarize } from './statistics.ts'

/** The longest that the host's event loop may stand still. */
export const loopGoalMs = 20

/** How a result stands to its goal. */
export interface Verdict {
  /** Ours to the one it is compared with. */
  readonly ratio: number | undefined
  readonly met: boolean | undefined
  readonly loopMs: number | undefined
  readonly loopMet: boolean | undefined
}

export function judge({ ours, others, goal, loop }: Result): Verdict {
  const against = goal !== undefined && 'of' in goal ? goal.of : Object.keys(others).find((name) => name !== 'podman')
  const samples = against === undefined ? undefined : others[against]
  const ratio = samples === undefined ? undefined : median(ours) / median(samples)
  const loopMs = loop === undefined ? undefined : median(loop)
  const met = goal === undefined ? undefined : 'of' in goal ? (ratio ?? Number.NaN) <= goal.atMost : median(ours) <= goal.atMostMs
  return { ratio, met, loopMs, loopMet: loopMs === undefined ? undefined : loopMs <= loopGoalMs }
}

const heads = ['', 'ours', 'against', 'ratio', 'goal', '', 'podman', 'event loop', ''] as const

/** The results as a table: medians, with the tenth and ninetieth percentile in brackets, in milliseconds. */
export function table(results: readonly Result[]): string {
  const lines = [heads, ...results.map(cells)]
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const padded = lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
  const notes = results.flatMap(({ what, note }) => (note === undefined ? [] : [`${what}: ${note}`]))
  return [...padded, ...(notes.length > 0 ? ['', ...notes] : [])].map((line) => line.trimEnd()).join('\n')
}

function cells(result: Result): readonly string[] {
  const { what, ours, others, goal, loop } = result
  const { ratio, met, loopMet } = judge(result)
  const { podman, ...rest } = others
  const against = Object.entries(rest).map(([name, samples]) => `${name} ${spread(samples)}`)
  return [
    what,
    spread(ours),
    against.join(', '),
    ratio === undefined ? '' : `${ratio.toFixed(2)} ×`,
    goal === undefined ? '' : 'of' in goal ? `${goal.atMost} ×` : `${goal.atMostMs} ms`,
    word(met),
    podman === undefined ? '' : spread(podman),
    loop === undefined ? '' : spread(loop),
    word(loopMet),
  ]
}

function spread(samples: readonly number[]): string {
  const { median: middle, p10, p90 } = summarize(samples)
  return `${digits(middle)} (${digits(p10)}-${digits(p90)})`
}

function digits(ms: number): string {
  return ms < 100 ? ms.toFixed(1) : ms.toFixed(0)
}

function word(met: boolean | undefined): string {
  return met === undefined ? '' : met ? 'met' : 'MISSED'
}
