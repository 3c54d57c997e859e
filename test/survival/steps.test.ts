import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Gate } from '../support/gate.ts'
import { eventually, makePlace, type Place } from '../support/place.ts'
import { runVictim } from '../support/victims.ts'
import { type PlannedStep, plan } from './plan.ts'
import { OutcomeTable } from './table.ts'
import { verify } from './verify.ts'

const phases = ['before', 'after'] as const
const lanes = 2

let folder = ''
let tar = ''
let places: Place[] = []
const table = new OutcomeTable()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'libpod-ts-survival-'))
  mkdirSync(join(folder, 'tree'))
  writeFileSync(join(folder, 'tree', 'file'), 'x'.repeat(100_000))
  tar = join(folder, 'tree.tar')
  expect(spawnSync('tar', ['-cf', tar, '-C', join(folder, 'tree'), '.']).status).toBe(0)
  places = await Promise.all(Array.from({ length: lanes }, makePlace))
})

afterAll(async () => {
  console.log(table.toString())
  await Promise.all(places.map((place) => place.remove()))
  rmSync(folder, { recursive: true })
})

it('kills at every step, before and after its effect, and finds all whole or absent, and nothing left', {
  timeout: 1_800_000,
}, async () => {
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
        table.add(planned, phase, await killAt(place, gate, planned, phase, at))
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
  expect(failures.join('\n\n')).toBe('')
})

function describe(error: unknown): string {
  const { stack, actual } = error as { readonly stack?: string; readonly actual?: unknown }
  return `${stack ?? String(error)}\n${actual === undefined ? '' : JSON.stringify(actual, null, 1)}`
}

/** Kills once, opens an engine, looks at everything, removes it, and compares with before. Gives what was found. */
async function killAt(place: Place, gate: Gate, planned: PlannedStep, phase: string, at: number): Promise<string> {
  const { step, target, scenario, options } = planned
  const probe = `${phase}:${step}`
  if (target === 'cleanup') await killCleanup(place, gate, planned, probe)
  else {
    const { killed, said } = await runVictim(place, { scenario, tar, probe, target, ...(options === undefined ? {} : { options }) })
    if (target === 'host') expect(killed, `the host was killed: ${JSON.stringify(said)}`).toBe(true)
    else
      expect(
        said.some(({ hit }) => hit !== undefined && hit > 0),
        `the ${target} was killed: ${JSON.stringify(said)}`,
      ).toBe(true)
  }
  // Every other time the next engine comes at once, beside the clean-up program that is under way.
  if (at % 2 === 1) await place.quiet()
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
  // A clean-up program may have died after that engine looked: then the next one sees it.
  await place.quiet()
  await place.with(async () => {})
  await place.expectClean()
  return outcome
}

/** Kills the host where the clean-up program has something to do after it, and then that one. */
async function killCleanup(place: Place, gate: Gate, planned: PlannedStep, probe: string): Promise<void> {
  const { scenario, hostProbe = '', options, ends } = planned
  const mark = join(folder, `${place.cgroupParent.slice(1)}.mark`)
  rmSync(mark, { force: true })
  const cleanupProbe = `${probe}:${mark}`
  const more = { options: { ...options, ...(ends ? gate.waiter(3) : {}) } }
  const { killed } = await runVictim(place, { scenario, probe: hostProbe, cleanupProbe, ...more })
  expect(killed, 'the host was killed').toBe(true)
  if (ends) gate.open(1)
  await eventually(() => expect(existsSync(mark), 'the clean-up program was killed').toBe(true), 20_000)
}
