import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { killAll, killHostAndHelper } from '../support/kill.ts'
import { makePlace, type Place } from '../support/place.ts'
import { startVictim } from '../support/victims.ts'
import { verify } from './verify.ts'

const times = Number(process.env['SURVIVAL_RANDOM'] ?? 24)
const longestMs = 1500
const targets = ['host', 'helper', 'conmon', 'host and helper'] as const

let folder = ''
let tar = ''
let places: Place[] = []
const outcomes = new Map<string, number>()

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'libpod-ts-random-'))
  writeFileSync(join(folder, 'file'), 'x'.repeat(2_000_000))
  tar = join(folder, 'layer.tar')
  expect(spawnSync('tar', ['-cf', tar, '-C', folder, 'file']).status).toBe(0)
  places = await Promise.all([makePlace(), makePlace()])
})

afterAll(async () => {
  console.log([...outcomes].map(([outcome, count]) => `${String(count).padStart(4)} × ${outcome}`).join('\n'))
  await Promise.all(places.map((place) => place.remove()))
  rmSync(folder, { recursive: true })
})

it('kills host, helper and monitors at any moment of everything at once', { timeout: 1_200_000 }, async () => {
  const work = Array.from({ length: times }, (_, at) => targets[at % targets.length] ?? 'host').values()
  await Promise.all(
    places.map(async (place) => {
      for (const target of work) await killOnce(place, target)
    }),
  )
})

async function killOnce(place: Place, target: (typeof targets)[number]): Promise<void> {
  const afterMs = Math.random() * longestMs
  const victim = startVictim(place, { scenario: 'mixed', tar, expected: ['unavailable', 'command-failed', 'invalid-state', 'not-found'] })
  await victim.ready()
  await sleep(afterMs)
  if (target === 'host and helper') await killHostAndHelper(place, victim)
  else if (target !== 'host') {
    killAll(place, target)
    // The host goes on: with a new helper, without the container of that monitor.
    await sleep(300)
  }
  await victim.kill()
  const faults = victim.said.flatMap(({ fault }) => fault ?? [])
  const errors: string[] = []
  const warnings: string[] = []
  const logger = {
    debug() {},
    warn: (message: string) => void warnings.push(message),
    error: (message: string) => void errors.push(message),
  }
  const looking = place.with(
    async (runtime) => {
      const found = await verify(place, runtime, { use: false })
      await place.clear(runtime)
      return found
    },
    { logger },
  )
  const outcome = await looking.catch((error: unknown) => {
    throw new Error(`${target} killed after ${Math.round(afterMs)} ms: ${String(error)}; ${[...warnings, ...errors].join('; ')}`, {
      cause: error,
    })
  })
  const what = `${target} killed after ${Math.round(afterMs)} ms: ${outcome}`
  outcomes.set(`${target}: ${outcome}`, (outcomes.get(`${target}: ${outcome}`) ?? 0) + 1)
  expect({ what, faults, errors, warnings }).toEqual({ what, faults: [], errors: [], warnings: [] })
  // A clean-up program may have died after that engine looked: then the next one sees it.
  await place.quiet()
  await place.with(async () => {})
  await place.expectClean()
}
