import { afterAll, beforeAll, expect, it } from 'vitest'
import { makePlace, type Place } from '../support/place.ts'
import { startVictim } from '../support/victims.ts'
import { verify } from './verify.ts'

const forMs = Number(process.env['SURVIVAL_CONTEND_MS'] ?? 60_000)

let place: Place

beforeAll(async () => {
  place = await makePlace()
})

afterAll(() => place.remove())

it('two processes create, start, stop and remove on one root for a minute', { timeout: forMs + 120_000 }, async () => {
  const hosts = [0, 1].map(() =>
    startVictim(place, { scenario: 'contend', forMs, expected: ['already-exists', 'not-found', 'invalid-state'] }),
  )
  await Promise.all(hosts.map(({ ended }) => ended))
  const counts = hosts.map(({ said }) => said.find(({ count }) => count !== undefined)?.count ?? 0)
  console.log(`verbs carried out: ${counts.join(' and ')}`)
  expect(
    hosts.flatMap(({ said }) => said.flatMap(({ fault, failed, message }) => fault ?? (failed ? `${failed} ${message ?? ''}` : []))),
  ).toEqual([])
  expect(Math.min(...counts)).toBeGreaterThan(50)
  await place.quiet()
  const [one, other] = await Promise.all([place.open(), place.open()])
  try {
    expect(await one.containers.list()).toEqual(await other.containers.list())
    await verify(place, one, { use: true })
    await place.clear(other)
    expect(await one.containers.list()).toEqual([])
  } finally {
    await Promise.all([one.close(), other.close()])
  }
  await place.expectClean()
})
