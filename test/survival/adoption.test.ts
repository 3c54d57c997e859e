import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { killHostAndHelper } from '../support/kill.ts'
import { eventually, makePlace, type Place } from '../support/place.ts'
import { runVictim, startVictim } from '../support/victims.ts'

let place: Place

beforeAll(async () => {
  place = await makePlace()
})

afterAll(() => place.remove())

it('20 containers go on running without their host, and the next one has all of them', { timeout: 120_000 }, async () => {
  const count = 20
  const names = Array.from({ length: count }, (_, at) => `victim-${String(at).padStart(2, '0')}`)
  const command = (at: number): string[] => [
    'sh',
    '-c',
    `trap "exit ${at}" TERM; trap "echo asked" USR1; echo up; while :; do sleep 0.2 & wait; done`,
  ]
  const host = startVictim(place, { scenario: 'stay', stay: names.map((name, at) => ({ name, command: command(at) })) })
  await host.ready()
  const before = await place.with(async ({ containers }) =>
    Promise.all(names.map(async (name) => (await (await containers.get(name)).inspect()).state.pid)),
  )
  await killHostAndHelper(place, host)
  await place.with(async ({ containers }) => {
    const found = await Promise.all(names.map((name) => containers.get(name)))
    const after = await Promise.all(found.map(async (container) => (await container.inspect()).state))
    expect(after.map(({ pid }) => pid)).toEqual(before)
    expect(new Set(after.map(({ status }) => status))).toEqual(new Set(['running']))
    for (const [at, container] of found.entries()) {
      expect(await container.exec(['echo', String(at)])).toMatchObject({ exitCode: 0, stdout: `${at}\n` })
      // Its monitor goes on with the log.
      await container.kill('SIGUSR1')
      await container.waitUntil({ log: 'asked' }, { timeoutMs: 20_000 })
    }
    const waits = found.map((container) => container.wait())
    await Promise.all(found.map((container) => container.stop({ timeoutMs: 20_000 })))
    expect((await Promise.all(waits)).map(({ exitCode }) => exitCode)).toEqual(names.map((_, at) => at))
  })
  await place.with((runtime) => place.clear(runtime))
  await eventually(() => place.expectClean())
})

it('a root file system that a killed host did not come to make is made at the first start', async () => {
  const { killed } = await runVictim(place, { scenario: 'create', probe: 'before:create.event', target: 'host', withHelper: true })
  expect(killed).toBe(true)
  const active = join(place.root, 'storage/snapshots/overlay/active')
  const [made = '', ...more] = await readdir(active)
  expect([made, more]).toEqual([expect.stringMatching(/./), []])
  await rm(join(active, made), { recursive: true })
  await place.with(async (runtime) => {
    const container = await runtime.containers.get('victim')
    await container.start()
    expect(await container.exec(['echo', 'here'])).toMatchObject({ exitCode: 0, stdout: 'here\n' })
    await place.clear(runtime)
  })
  await eventually(() => place.expectClean())
})

it.each(['before:start.create', 'before:start.commit'])(
  'a log that a host killed at %s had made goes with its container',
  async (probe) => {
    const folder = join(place.root, 'elsewhere')
    const path = join(folder, 'log')
    const { killed } = await runVictim(place, { scenario: 'start', probe, target: 'host', withHelper: true, options: { log: { path } } })
    expect(killed).toBe(true)
    expect(await readdir(folder)).toEqual(['log'])
    await place.with(async (runtime) => {
      const container = await runtime.containers.get('victim')
      await container.remove({ force: true })
      expect(await readdir(folder)).toEqual([])
      await rm(folder, { recursive: true })
      await place.clear(runtime)
    })
    await eventually(() => place.expectClean())
  },
)
