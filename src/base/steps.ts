/**
 * Tests stop an engine at a named step, before or after its effect, to prove that every step can be the last. In
 * production there is no probe, and a step is a plain call.
 */
export type Probe = (step: string, phase: 'before' | 'after') => void

/** Runs one named step of a verb. */
export async function step<T>(probe: Probe | undefined, name: string, effect: () => T | Promise<T>): Promise<T> {
  probe?.(name, 'before')
  const result = await effect()
  probe?.(name, 'after')
  return result
}
