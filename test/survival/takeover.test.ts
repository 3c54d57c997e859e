import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { Gate } from '../support/gate.ts'
import { killHostAndHelper } from '../support/kill.ts'
import { eventually, makePlace, type Place } from '../support/place.ts'
import { startVictim } from '../support/victims.ts'

let place: Place
let gate: Gate

beforeAll(async () => {
  place = await makePlace()
})

beforeEach(() => {
  gate = new Gate()
})

afterEach(async () => {
  gate.remove()
  await place.quiet()
  await place.with((runtime) => place.clear(runtime))
  await place.expectClean()
})

afterAll(() => place.remove())

it('a second engine takes over when the one that serves is killed: exits, restarts, events', { timeout: 60_000 }, async () => {
  const first = startVictim(place, {
    scenario: 'stay',
    stay: [
      { name: 'victim-ends', ...gate.waiter(5) },
      { name: 'victim-again', ...gate.waiter(6), restart: { policy: 'on-failure', maxRetries: 3 } },
      { name: 'victim-removed', ...gate.waiter(7), autoRemove: true },
    ],
  })
  await first.ready()
  await place.with(async (runtime) => {
    expect((await runtime.info()).serving).toBe(false)
    const died: (number | null | undefined)[] = []
    const listening = (async () => {
      for await (const event of runtime.events({ types: ['container'] })) if (event.action === 'died') died.push(event.exitCode)
    })()
    const [ends, again, removed] = await Promise.all(['ends', 'again', 'removed'].map((name) => runtime.containers.get(`victim-${name}`)))
    const waits = [ends?.wait(), again?.wait({ condition: 'next-exit' }), removed?.wait({ condition: 'removed' })]
    await first.kill()
    await eventually(async () => expect((await runtime.info()).serving).toBe(true))
    gate.open(3)
    expect((await Promise.all(waits)).map((result) => result?.exitCode)).toEqual([5, 6, 7])
    // It is started again, by the engine that took over.
    await eventually(async () => {
      expect((await again?.inspect())?.state).toMatchObject({ status: 'running', restartCount: 1 })
      expect([...died].sort()).toEqual([5, 6, 7])
    })
    await runtime.close()
    await listening
  })
})

it('an engine that serves carries out the restarts that another one finds due', { timeout: 60_000 }, async () => {
  const [server, other] = [await place.open(), await place.open()]
  try {
    const made = await other.containers.create({
      ...place.container,
      command: ['sh', '-c', 'sleep 0.1; exit 1'],
      restart: { policy: 'on-failure', maxRetries: 2 },
    })
    await made.start()
    expect(await made.wait()).toMatchObject({ exitCode: 1 })
    expect((await server.containers.ref(made.id).inspect()).state).toMatchObject({ restartCount: 2, status: 'exited' })
  } finally {
    await Promise.all([server.close(), other.close()])
  }
})

it('ephemeral containers of a host that is killed with its helper go when another engine serves', { timeout: 60_000 }, async () => {
  await place.with(async (runtime) => {
    const victim = startVictim(place, {
      scenario: 'stay',
      stay: [
        { name: 'victim-0', verb: 'ephemeral' },
        { name: 'victim-1', verb: 'run' },
      ],
    })
    await victim.ready()
    await eventually(async () => expect(await runtime.containers.list()).toHaveLength(2))
    await killHostAndHelper(place, victim)
    await eventually(async () => expect(await runtime.containers.list()).toEqual([]))
  })
})
