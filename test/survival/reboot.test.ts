import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { killEverything } from '../support/kill.ts'
import { eventually, makePlace, type Place } from '../support/place.ts'
import { runVictim, startVictim } from '../support/victims.ts'

let place: Place

beforeAll(async () => {
  place = await makePlace()
})

afterEach(async () => {
  await place.with((runtime) => place.clear(runtime))
  await place.expectClean()
})

afterAll(() => place.remove())

/** Everything dies, and what lay on tmpfs is gone. */
async function reboot(): Promise<void> {
  await killEverything(place)
  for (const name of await readdir(place.runRoot)) await rm(join(place.runRoot, name), { recursive: true, force: true })
  await place.dropCgroups()
}

async function runAndReboot(): Promise<void> {
  const host = startVictim(place, {
    scenario: 'stay',
    stay: [
      { name: 'victim-plain' },
      { name: 'victim-always', restart: { policy: 'always' } },
      { name: 'victim-removed', autoRemove: true },
      { name: 'victim-ephemeral', verb: 'ephemeral' },
      { name: 'victim-run', verb: 'run' },
    ],
  })
  await host.ready()
  await place.with(async ({ containers }) => {
    await containers.create({ ...place.container, name: 'victim-created', command: ['true'] })
    const stopped = await containers.create({
      ...place.container,
      name: 'victim-stopped',
      command: ['sleep', '1000'],
      restart: { policy: 'unless-stopped' },
    })
    await stopped.start()
    await stopped.kill()
    await stopped.wait()
  })
  await reboot()
}

it('after a reboot what ran is lost or restarted, and everything else as it was', { timeout: 60_000 }, async () => {
  await runAndReboot()
  await place.with(async ({ containers }) => {
    const status = async (name: string): Promise<object> => (await (await containers.get(name)).inspect()).state
    expect(await status('victim-plain')).toMatchObject({ status: 'exited', exitCode: null, reason: 'lost' })
    expect(await status('victim-created')).toMatchObject({ status: 'created' })
    expect(await status('victim-stopped')).toMatchObject({ status: 'exited', exitCode: 137 })
    await eventually(async () => expect(await status('victim-always')).toMatchObject({ status: 'running', restartCount: 1 }))
    expect((await containers.list()).map(({ name }) => name).sort()).toEqual([
      'victim-always',
      'victim-created',
      'victim-plain',
      'victim-stopped',
    ])
    const plain = await containers.get('victim-plain')
    await plain.start()
    expect(await plain.exec(['true'])).toMatchObject({ exitCode: 0 })
  })
})

it('an engine that is killed while it recovers from a reboot leaves that to the next', { timeout: 120_000 }, async () => {
  for (const probe of [
    'before:recover.containers',
    'before:settle.lost',
    'after:settle.lost',
    'after:recover.containers',
    'after:exit.commit',
  ]) {
    await runAndReboot()
    expect(await runVictim(place, { scenario: 'open', probe }), probe).toMatchObject({ killed: true })
    await place.with(async (runtime) => {
      const { containers } = runtime
      expect((await (await containers.get('victim-plain')).inspect()).state).toMatchObject({ status: 'exited', reason: 'lost' })
      await eventually(async () => expect((await (await containers.get('victim-always')).inspect()).status).toBe('running'))
      expect((await containers.list()).map(({ name }) => name)).not.toContain('victim-removed')
      await place.clear(runtime)
    })
    await place.expectClean()
  }
})
