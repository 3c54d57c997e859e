import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Gate } from '../support/gate.ts'
import { eventually, type Place } from '../support/place.ts'
import { runVictim } from '../support/victims.ts'
import type { PlannedStep } from './plan.ts'
import { OutcomeTable } from './table.ts'
import { verify } from './verify.ts'

const phases = ['before', 'after'] as const

/** What {@link killAtSteps} works with. */
export interface KillOptions {
  /** As many kills go on side by side. */
  readonly places: readonly Place[]
  /** For marks. */
  readonly folder: string
  /** For scenarios with images. */
  readonly tar: string
}

interface Kill extends Omit<KillOptions, 'places'> {
  readonly place: Place
  readonly gate: Gate
  readonly planned: PlannedStep
  readonly phase: string
  readonly at: number
}

/** Kills at every step of a plan, before and after its effect; gives what was found, and what was wrong. */
export async function killAtSteps(
  plan: readonly PlannedStep[],
  { places, folder, tar }: KillOptions,
): Promise<{ readonly table: OutcomeTable; readonly failures: readonly string[] }> {
  const table = new OutcomeTable()
  const wanted = process.env['SURVIVAL_STEP']
  const work = plan
    .filter(({ step, target }) => wanted === undefined || `${step} ${target}`.includes(wanted))
    .flatMap((planned, row) =>
      phases.flatMap((phase) => Array.from({ length: planned.times }, (_, at) => ({ planned, phase, at: row + at }))),
    )
  const failures: string[] = []
  const rest = work.values()
  const lane = async (place: Place): Promise<void> => {
    for (const { planned, phase, at } of rest) {
      const gate = new Gate()
      try {
        table.add(planned, phase, await killAt({ place, gate, planned, phase, at, folder, tar }))
      } catch (error) {
        table.add(planned, phase, 'FAILED')
        failures.push(`${phase}:${planned.step} (${planned.target}, ${at}): ${describe(error)}`)
        if (failures.length > 20) return
        await place.with((runtime) => place.clear(runtime)).catch(() => {})
      } finally {
        gate.remove()
      }
    }
  }
  await Promise.all(places.map(lane))
  return { table, failures }
}

function describe(error: unknown): string {
  const { stack, actual } = error as { readonly stack?: string; readonly actual?: unknown }
  return `${stack ?? String(error)}\n${actual === undefined ? '' : JSON.stringify(actual, null, 1)}`
}

/** Kills once, opens an engine, looks at everything, removes it, and compares with before. Gives what was found. */
async function killAt({ place, gate, planned, phase, at, folder, tar }: Kill): Promise<string> {
  const { step, target, scenario, options } = planned
  const probe = `${phase}:${step}`
  if (target === 'cleanup') await killCleanup({ place, gate, planned, folder }, probe)
  else {
    const more = options === undefined ? {} : { options }
    const { killed, said } = await runVictim(place, { scenario, tar, probe, target, withHelper: at % 3 === 2, ...more })
    if (target === 'host') expect(killed, `the host was killed: ${JSON.stringify(said)}`).toBe(true)
    else
      expect(
        said.some(({ hit }) => hit !== undefined && hit > 0),
        `the ${target} was killed: ${JSON.stringify(said)}`,
      ).toBe(true)
  }
  // The next engine comes after the clean-up program, or at once, beside it; or there is none, as the helper died with its host.
  if (at % 3 === 1) await place.quiet()
  const errors: string[] = []
  const logger = { debug() {}, warn() {}, error: (message: string) => void errors.push(message) }
  const outcome = await place.with(
    async (runtime) => {
      const found = await verify(place, runtime, { use: at % 5 < 2 && planned.ends !== true })
      await place.clear(runtime)
      return found
    },
    { logger },
  )
  expect(errors).toEqual([])
  await place.quiet()
  // A clean-up program may have died after that engine looked: then the next one sees it.
  if (target === 'cleanup') await place.with(async () => {})
  await place.expectClean()
  return outcome
}

/** Kills the host where the clean-up program has something to do after it, and then that one. */
async function killCleanup(
  { place, gate, planned, folder }: Pick<Kill, 'place' | 'gate' | 'planned' | 'folder'>,
  probe: string,
): Promise<void> {
  const { scenario, hostProbe = '', options, ends, lingerMs = 0 } = planned
  const mark = join(folder, `${place.cgroupParent.slice(1)}.mark`)
  rmSync(mark, { force: true })
  const cleanupProbe = `${probe}:${mark}`
  const more = { options: { ...options, ...(ends ? gate.waiter(3) : {}) } }
  const { killed } = await runVictim(place, { scenario, probe: hostProbe, cleanupProbe, lingerMs, ...more })
  expect(killed, 'the host was killed').toBe(true)
  if (ends) gate.open(1)
  await eventually(() => expect(existsSync(mark), 'the clean-up program was killed').toBe(true), 20_000)
}
