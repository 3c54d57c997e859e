import { afterAll, beforeAll, expect, it } from 'vitest'
import { makePlace, type Place } from '../support/place.ts'
import { runVictim } from '../support/victims.ts'
let place: Place
beforeAll(async () => { place = await makePlace() })
afterAll(() => place.remove())
it('x', async () => {
  for (const scenario of ['open', 'create', 'start', 'life', 'init', 'pause', 'kill', 'autoRemove', 'restart', 'run', 'ephemeral']) {
    const t = Date.now()
    const v = await runVictim(place, { scenario })
    const t1 = Date.now()
    await place.quiet()
    const t2 = Date.now()
    await place.with((r) => place.clear(r))
    const t3 = Date.now()
    await place.expectClean()
    console.log(scenario, t1 - t, t2-t1, t3 - t2, Date.now() - t3, JSON.stringify(v))
  }
}, 100000)
