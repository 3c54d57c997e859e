import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readLinks, readRules } from '../support/machine.ts'
import { eventually, makePlace, type Place } from '../support/place.ts'
import { killAtSteps } from './kill-steps.ts'
import { networkPlan } from './plan.ts'

const folder = mkdtempSync(join(tmpdir(), 'libpod-ts-survival-'))
const options = { network: 'private', ports: [{ container: 80 }] } as const
let place: Place

beforeAll(async () => {
  place = await makePlace()
  await place.with(async (runtime) => {
    // The default network, which no clearing takes away; made here it has DNS.
    await runtime.networks.create({ name: 'podman' })
    await runtime.containers.run({ ...place.container, ...options, command: ['true'] })
  })
  await place.remember()
})

afterAll(async () => {
  await place.remove()
  rmSync(folder, { recursive: true })
})

it('kills at every step of a network, and finds no link, no rule, no lease and no DNS server left', { timeout: 600_000 }, async () => {
  const { table, failures } = await killAtSteps(
    networkPlan.map((planned) => ({ ...planned, options })),
    { places: [place], folder, tar: '' },
  )
  console.log(table.toString())
  expect(failures.join('\n\n')).toBe('')
  await eventually(async () => expect([await readLinks(), await readRules()]).toEqual([['lo'], []]))
})
