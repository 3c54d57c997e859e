import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readLinks, readRules } from '../support/machine.ts'
import { eventually, makePlace, type Place } from '../support/place.ts'
import { startVictim, type Victim } from '../support/victims.ts'

/** So many that succeed; those that meet what is gone, or not there yet, come on top. */
const wanted = Number(process.env['SURVIVAL_OPERATIONS'] ?? 300)
const processes = 3
const longestMs = 8_000
/** What may be said to one who shares all of it, with others who may be killed at any moment. */
const expected = [
  'already-exists',
  'command-failed',
  'conflict',
  'in-use',
  'invalid-argument',
  'invalid-state',
  'not-found',
  'partial-failure',
  'unavailable',
] as const

let place: Place
const did = new Map<string, number>()
let kills = 0

beforeAll(async () => {
  place = await makePlace()
  await place.with(async (runtime) => {
    // The default network, which no clearing takes away.
    await runtime.networks.create({ name: 'podman' })
    await runtime.containers.run({ ...place.container, network: 'private', command: ['true'] })
  })
  await place.remember()
})

afterAll(async () => {
  const count = [...did].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, times]) => `${String(times).padStart(4)} × ${what}`)
  console.log(`${kills} hosts killed\n${count.join('\n')}`)
  await place.remove()
})

it('random operations of three processes, one of them killed now and then, leave nothing behind', { timeout: 600_000 }, async () => {
  const faults: string[] = []
  let total = 0
  const hear = ({ said }: Victim): void => {
    for (const { did: what, fault } of said) {
      if (fault !== undefined) faults.push(fault)
      if (what === undefined) continue
      if (!what.includes(':')) total++
      did.set(what, (did.get(what) ?? 0) + 1)
    }
  }
  const lane = async (): Promise<void> => {
    while (total < wanted && faults.length === 0) {
      const victim = startVictim(place, { scenario: 'operations', expected })
      await victim.ready()
      await sleep(1000 + Math.random() * longestMs)
      await victim.kill()
      kills++
      hear(victim)
    }
  }
  await Promise.all(Array.from({ length: processes }, lane))
  expect(faults).toEqual([])
  const errors: string[] = []
  const logger = { debug() {}, warn() {}, error: (message: string) => void errors.push(message) }
  await place.quiet()
  await place.with(
    async (runtime) => {
      for (const { id, status } of await runtime.containers.list())
        expect(['created', 'initialized', 'running', 'paused', 'stopping', 'exited'], `${id} is ${status}`).toContain(status)
      await place.clear(runtime)
      const { containers, pods, volumes, networks } = runtime
      expect((await Promise.all([containers, pods, volumes].map((things) => things.list()))).flat()).toEqual([])
      expect((await networks.list()).map(({ name }) => name)).toEqual(['podman'])
    },
    { logger },
  )
  expect(errors).toEqual([])
  await place.quiet()
  await place.with(async () => {})
  await place.expectClean()
  await eventually(async () => expect([await readLinks(), await readRules()]).toEqual([['lo'], []]))
})
