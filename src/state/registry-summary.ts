import type { RegistrySummary } from './registry-types.ts'

/** The summary of a `summary/…` entry; one that is damaged shows nothing, but its object stays in the list. */
export function summaryOf(value: unknown): Omit<RegistrySummary, 'id'> {
  const stored = (typeof value === 'object' && value !== null ? value : {}) as Partial<RegistrySummary>
  return { names: Array.isArray(stored.names) ? stored.names : [], summary: stored.summary ?? null }
}
