import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makePlace, type Place } from '../support/place.ts'
import { killAtSteps } from './kill-steps.ts'
import { plan } from './plan.ts'

const lanes = 2

let folder = ''
let tar = ''
let places: Place[] = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'libpod-ts-survival-'))
  mkdirSync(join(folder, 'tree'))
  writeFileSync(join(folder, 'tree', 'file'), 'x'.repeat(100_000))
  tar = join(folder, 'tree.tar')
  expect(spawnSync('tar', ['-cf', tar, '-C', join(folder, 'tree'), '.']).status).toBe(0)
  places = await Promise.all(Array.from({ length: lanes }, makePlace))
})

afterAll(async () => {
  await Promise.all(places.map((place) => place.remove()))
  rmSync(folder, { recursive: true })
})

it('kills at every step, before and after its effect, and finds all whole or absent, and nothing left', {
  timeout: 1_800_000,
}, async () => {
  const { table, failures } = await killAtSteps(plan, { places, folder, tar })
  console.log(table.toString())
  expect(failures.join('\n\n')).toBe('')
})
