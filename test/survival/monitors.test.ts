import { existsSync } from 'node:fs'
import type { Container, Runtime } from 'libpod-ts'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { killAll, pidsOf } from '../support/kill.ts'
import { eventually, makePlace, type Place } from '../support/place.ts'

let place: Place

beforeAll(async () => {
  place = await makePlace()
})

afterEach(async () => {
  await place.with((runtime) => place.clear(runtime))
  await place.expectClean()
})

afterAll(() => place.remove())

const command = ['sh', '-c', 'trap "exit 7" TERM; sleep 1000 & wait']

async function startedWithoutMonitor({ containers }: Runtime): Promise<Container> {
  const container = await containers.create({ ...place.container, name: 'victim', command })
  await container.start()
  expect(killAll(place, 'conmon')).toBe(1)
  await eventually(async () => expect(pidsOf(place, 'conmon')).toEqual([]))
  return container
}

it('a container outlives its monitor, can be used and stopped, and how it ended is unknown', { timeout: 60_000 }, async () => {
  await place.with(async (runtime) => {
    const container = await startedWithoutMonitor(runtime)
    const { state } = await container.inspect()
    expect(state.status).toBe('running')
    expect(existsSync(`/proc/${String(state.pid)}`)).toBe(true)
    expect(await container.exec(['echo', 'here'])).toMatchObject({ stdout: 'here\n' })
    await container.stop({ timeoutMs: 10_000 })
    expect(await container.wait()).toMatchObject({ exitCode: null, reason: 'monitor-killed' })
    // Everything works again after the next start.
    await container.start()
    await container.stop({ timeoutMs: 10_000 })
    expect((await container.wait()).reason).toBeUndefined()
  })
})

it('the end of one whose monitor was killed is noticed, by whoever serves or by the next engine', { timeout: 60_000 }, async () => {
  await place.with(async (runtime) => {
    const container = await startedWithoutMonitor(runtime)
    const { pid } = (await container.inspect()).state
    process.kill(pid ?? 0, 'SIGKILL')
    expect(await container.wait()).toMatchObject({ exitCode: null, reason: 'monitor-killed' })
    await container.remove()
  })
  const id = await place.with(async (runtime) => (await startedWithoutMonitor(runtime)).id)
  const pid = await place.with(async ({ containers }) => (await containers.ref(id).inspect()).state.pid)
  process.kill(pid ?? 0, 'SIGKILL')
  await place.with(async ({ containers }) => {
    await eventually(async () =>
      expect((await containers.ref(id).inspect()).state).toMatchObject({ status: 'exited', reason: 'monitor-killed' }),
    )
  })
})

it('the restart policy restarts one whose monitor and program were killed', { timeout: 60_000 }, async () => {
  await place.with(async ({ containers }) => {
    const container = await containers.create({ ...place.container, name: 'victim', command, restart: { policy: 'always' } })
    await container.start()
    const { pid } = (await container.inspect()).state
    killAll(place, 'conmon')
    process.kill(pid ?? 0, 'SIGKILL')
    await eventually(async () => expect((await container.inspect()).state).toMatchObject({ status: 'running', restartCount: 1 }))
    await container.stop({ timeoutMs: 10_000 })
  })
})
