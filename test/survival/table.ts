import type { PlannedStep } from './plan.ts'

/** Step by outcome: how often each was found. */
export class OutcomeTable {
  readonly #rows = new Map<string, Map<string, number>>()

  add({ step, target }: PlannedStep, phase: string, outcome: string): void {
    const name = `${step.padEnd(20)} ${target.padEnd(8)} ${phase.padEnd(7)}`
    const row = this.#rows.get(name) ?? new Map<string, number>()
    row.set(outcome, (row.get(outcome) ?? 0) + 1)
    this.#rows.set(name, row)
  }

  toString(): string {
    const head = `${'step'.padEnd(20)} ${'killed'.padEnd(8)} ${'phase'.padEnd(7)} kills  outcomes`
    const lines = [...this.#rows].map(([name, row]) => {
      const total = [...row.values()].reduce((sum, count) => sum + count, 0)
      return `${name} ${String(total).padStart(5)}  ${[...row].map(([outcome, count]) => `${outcome} × ${count}`).join(', ')}`
    })
    return [head, ...lines].join('\n')
  }
}
