import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { Gate } from '../support/gate.ts'
import { killHostAndHelper } from '../support/kill.ts'
import { eventually, makePlace, type Place } from '../support/place.ts'
import { processesOf, tracesOf } from '../support/traces.ts'
import { startVictim, type Victim } from '../support/victims.ts'

let place: Place

beforeAll(async () => {
  place = await makePlace()
})

afterEach(async () => {
  await place.quiet()
  await place.with((runtime) => place.clear(runtime))
  await place.expectClean()
})

afterAll(() => place.remove())

async function hostWithEphemerals(more: readonly object[] = []): Promise<Victim> {
  const stay = [0, 1, 2].map((at) => ({ name: `victim-${at}`, verb: 'ephemeral' }))
  const victim = startVictim(place, { scenario: 'stay', stay: [...stay, { name: 'victim-run', verb: 'run' }, ...more] })
  await victim.ready()
  await eventually(async () => expect(await programs()).toHaveLength(4 + more.length))
  return victim
}

/** What runs in containers. */
async function programs(): Promise<string[]> {
  return processesOf(place).filter((line) => /^\d+ sh -c/.test(line))
}

it('go when their host dies, with everything that was theirs', { timeout: 60_000 }, async () => {
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const victim = await hostWithEphemerals()
    const begin = performance.now()
    await victim.kill()
    await eventually(async () => expect(await programs()).toEqual([]))
    times.push(Math.round(performance.now() - begin))
    await place.quiet()
    // The clean-up program of the helper has removed them: no engine has been opened since.
    expect(await tracesOf(place)).toMatchObject({ processes: [], mounts: [], cgroups: [] })
    expect(await place.with(({ containers }) => containers.list(), { serve: false })).toEqual([])
  }
  console.log(`ephemeral containers were gone after ${times.join(', ')} ms`)
})

it('go with the next engine when the helper was killed together with the host', { timeout: 60_000 }, async () => {
  const victim = await hostWithEphemerals()
  await killHostAndHelper(place, victim)
  await place.with(async (runtime) => {
    expect(await runtime.containers.list()).toEqual([])
    expect(await programs()).toEqual([])
  })
})

it('go when any container of the root ends, if both were killed and nobody comes', { timeout: 60_000 }, async () => {
  const gate = new Gate()
  const victim = await hostWithEphemerals([{ name: 'victim-plain', ...gate.waiter(5) }])
  await killHostAndHelper(place, victim)
  expect(await programs()).not.toEqual([])
  // Its monitor's exit command starts the clean-up program, and that finds that the owner of the others is dead.
  gate.open(1)
  await eventually(async () => expect(processesOf(place)).toEqual([]), 20_000)
  const left = await place.with(({ containers }) => containers.list(), { serve: false })
  expect(left.map(({ name, exitCode }) => [name, exitCode])).toEqual([['victim-plain', 5]])
  gate.remove()
})

it('go when their program has ended, though no engine serves and nobody waits', { timeout: 60_000 }, async () => {
  await place.with(
    async ({ containers }) => {
      const { id } = await containers.ephemeral({ ...place.container, command: ['sleep', '0.2'] })
      await eventually(async () => expect(await containers.exists(id)).toBe(false), 20_000)
    },
    { serve: false },
  )
})
