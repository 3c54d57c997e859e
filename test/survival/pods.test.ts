import { existsSync } from 'node:fs'
import type { PodSummary, Runtime } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, makePlace, type Place } from '../support/place.ts'
import { runVictim, startVictim } from '../support/victims.ts'

let place: Place

beforeAll(async () => {
  place = await makePlace()
})

afterAll(() => place.remove())

const steps = {
  pod: [
    'pod.create pod.create-event pod.start-infra pod.limit pod.start-members',
    'pod.stop-members pod.stop-infra pod.leave pod.remove-members pod.remove-infra pod.remove-cgroup pod.remove',
  ],
  restartPod: ['pod.pause pod.unpause pod.kill'],
}

/** Before a step it is as it was after the one before, except where verbs of containers come in between. */
const cases = [
  ...['pod.create', 'pod.limit', 'pod.leave'].map((step) => ({ scenario: 'pod', probe: `before:${step}` })),
  ...Object.entries(steps).flatMap(([scenario, lists]) =>
    lists.flatMap((list) => list.split(' ')).map((step) => ({ scenario, probe: `after:${step}` })),
  ),
]

describe('a host that is killed', () => {
  it.each(cases.map((one, at) => ({ ...one, at })))('$probe', async ({ scenario, probe, at }) => {
    const { killed, said } = await runVictim(place, { scenario, probe, target: 'host' })
    expect(killed, JSON.stringify(said)).toBe(true)
    const errors: string[] = []
    const logger = { debug() {}, warn() {}, error: (message: string) => void errors.push(message) }
    await place.with(
      async (runtime) => {
        for (const pod of await runtime.pods.list()) await expectWhole(runtime, pod, { use: at % 3 === 0 })
        await place.clear(runtime)
        expect(await runtime.pods.list()).toEqual([])
        // Its name and its places are free.
        const again = await runtime.pods.create({ name: 'victim-pod', cgroupParent: place.cgroupParent, network: 'none' })
        await again.remove()
      },
      { logger },
    )
    expect(errors).toEqual([])
    await place.quiet()
    await place.expectClean()
  })
})

/** Each container is what its record says; the pod can be started and stopped, or only be removed. */
async function expectWhole(runtime: Runtime, { id, status }: PodSummary, { use }: { readonly use: boolean }): Promise<void> {
  const pod = runtime.pods.ref(id)
  for (const { id: container } of await pod.containers())
    await eventually(async () => {
      const { state } = await runtime.containers.ref(container).inspect()
      expect(['created', 'exited', 'running', 'paused']).toContain(state.status)
      if (state.pid !== undefined) expect(existsSync(`/proc/${state.pid}`)).toBe(true)
    })
  if (status === 'error') {
    await expect(pod.start()).rejects.toMatchObject({ code: 'invalid-state' })
    return
  }
  if (!use) return
  if ((await pod.containers()).some((container) => container.status === 'paused')) await pod.unpause()
  await pod.start()
  expect((await pod.inspect()).status).toBe('running')
  await pod.stop({ timeoutMs: 0 })
  expect((await pod.inspect()).status).toBe('exited')
}

const forMs = Number(process.env['SURVIVAL_PODS_MS'] ?? 5_000)

it('two processes fill, start, stop and remove the same pods', { timeout: forMs + 90_000 }, async () => {
  const expected = ['already-exists', 'not-found', 'invalid-state', 'in-use'] as const
  const hosts = [0, 1].map(() => startVictim(place, { scenario: 'contendPods', forMs, expected }))
  await Promise.all(hosts.map(({ ended }) => ended))
  expect(
    hosts.flatMap(({ said }) => said.flatMap(({ fault, failed, message }) => fault ?? (failed ? `${failed} ${message ?? ''}` : []))),
  ).toEqual([])
  const counts = hosts.map(({ said }) => said.find(({ count }) => count !== undefined)?.count ?? 0)
  expect(Math.min(...counts)).toBeGreaterThan(5)
  await place.quiet()
  const [one, other] = await Promise.all([place.open(), place.open()])
  try {
    expect(await one.pods.list()).toEqual(await other.pods.list())
    for (const pod of await one.pods.list()) await expectWhole(one, pod, { use: true })
    await place.clear(other)
    expect([await one.pods.list(), await one.containers.list()]).toEqual([[], []])
  } finally {
    await Promise.all([one.close(), other.close()])
  }
  await place.expectClean()
})
