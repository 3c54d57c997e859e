import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { readProcessStat } from '../../src/linux/proc.ts'
import { Gate } from '../support/gate.ts'
import { ifThere } from '../support/if-there.ts'
import { pidsOf } from '../support/kill.ts'
import { eventually, makePlace, type Place } from '../support/place.ts'
import { tracesOf } from '../support/traces.ts'
import { runVictim, startVictim } from '../support/victims.ts'

let place: Place
let gate: Gate

beforeAll(async () => {
  place = await makePlace()
})

beforeEach(() => {
  gate = new Gate()
})

afterEach(() => gate.remove())

afterAll(() => place.remove())

/** Containers that end with the codes 1, 2, 3 … when the gate opens. */
function waiters(count: number): object[] {
  return Array.from({ length: count }, (_, at) => ({ name: `victim-${at + 1}`, ...gate.waiter(at + 1) }))
}

/** Waits until the exit commands have done it all; gives how many clean-up programs had the duty at once, and in all. */
async function cleanedUp(): Promise<{ readonly atOnce: number; readonly inAll: number }> {
  const programs = new Set<number>()
  let atOnce = 0
  await eventually(async () => {
    const first = await onDuty()
    // Those of both looks were there together; one look takes its time, and meets one that goes and the next.
    const both = (await onDuty()).filter((pid) => first.includes(pid))
    atOnce = Math.max(atOnce, both.length)
    for (const pid of first) programs.add(pid)
    const { processes, cgroups, mounts } = await tracesOf(place)
    expect({ processes, cgroups, mounts, exits: readdirSync(join(place.runRoot, 'exits')) }).toEqual({
      processes: [],
      cgroups: [],
      mounts: [],
      exits: [],
    })
  }, 60_000)
  return { atOnce, inAll: programs.size }
}

/** Clean-up programs with the duty lock; not what they have forked for a program of theirs, which is called like them until it is that. */
async function onDuty(): Promise<number[]> {
  const pids = pidsOf(place, 'cleanup').filter((pid) => ifThere(() => readlinkSync(`/proc/${pid}/fd/9`))?.endsWith('/duty.lock'))
  const stats = await Promise.all(pids.map((pid) => readProcessStat(pid)))
  return stats.flatMap((stat) => (stat === undefined || pids.includes(stat.ppid) ? [] : [stat.pid]))
}

/** Exit codes by name, as they are recorded: no duty is done. */
function exitCodes(): Promise<Record<string, unknown>> {
  return place.with(
    async ({ containers }) =>
      Object.fromEntries((await containers.list()).map(({ name, status, exitCode }) => [name, status === 'exited' ? exitCode : status])),
    { serve: false },
  )
}

const codesTo = (count: number): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`victim-${at + 1}`, at + 1]))

async function clear(): Promise<void> {
  await place.with((runtime) => place.clear(runtime))
  await place.expectClean()
}

it('50 containers that end within 100 ms while no engine is open are cleaned up by the exit command', { timeout: 300_000 }, async () => {
  const { said } = await runVictim(place, { scenario: 'leave', stay: waiters(50) })
  expect(said.at(-1)).toEqual({ done: true })
  gate.open(50)
  const { atOnce, inAll } = await cleanedUp()
  expect(atOnce, 'clean-up programs on duty at once').toBe(1)
  expect(inAll, 'clean-up programs, not one for each').toBeLessThan(10)
  expect(await exitCodes()).toEqual(codesTo(50))
  const spread = await place.with(async ({ containers }) => {
    const ends = (await containers.list()).map(({ finishedAt }) => Date.parse(finishedAt ?? ''))
    return Math.max(...ends) - Math.min(...ends)
  })
  console.log(`50 containers ended within ${spread} ms`)
  await clear()
})

it('a clean-up program that is killed in the middle leaves nothing undone', { timeout: 120_000 }, async () => {
  for (const probe of ['before:exit.commit', 'after:exit.commit', 'after:exit.event', 'before:exit.live']) {
    const { said } = await runVictim(place, { scenario: 'leave', stay: waiters(6), cleanupProbe: probe })
    expect(said.at(-1)).toEqual({ done: true })
    gate.open(6)
    // Every monitor's exit command tries, and each clean-up program dies there; some exits stay for the next engine.
    await eventually(async () => expect(pidsOf(place, 'conmon')).toEqual([]), 30_000)
    await place.quiet()
    await place.with(async ({ containers }) => {
      const ended = await Promise.all((await containers.list()).map(({ id }) => containers.ref(id).wait()))
      expect(ended.map(({ exitCode }) => exitCode).sort()).toEqual([1, 2, 3, 4, 5, 6])
    })
    expect(await exitCodes()).toEqual(codesTo(6))
    await clear()
  }
})

it('a server that is killed between exit file and commit loses no exit code', { timeout: 120_000 }, async () => {
  const server = startVictim(place, { scenario: 'stay', stay: waiters(8), probe: 'before:exit.commit' })
  await server.ready()
  gate.open(8)
  expect(await server.ended).toEqual({ killed: true })
  await eventually(async () => expect(await exitCodes()).toEqual(codesTo(8)), 30_000)
  await place.with(async ({ containers }) => {
    for (const { id, exitCode } of await containers.list()) expect(await containers.ref(id).wait()).toMatchObject({ exitCode })
  })
  await clear()
})

function isLocked(path: string): boolean {
  return spawnSync('flock', ['-n', path, 'true']).status !== 0
}

it('an exit is seen by the next engine when the exit command cannot do anything', { timeout: 120_000 }, async () => {
  await runVictim(place, { scenario: 'leave', stay: waiters(3) })
  // Another serves, as far as the exit commands can tell, but does nothing.
  const holder = spawn('flock', [join(place.runRoot, 'duty.lock'), 'cat'], { stdio: ['pipe', 'inherit', 'inherit'] })
  await eventually(() => expect(isLocked(join(place.runRoot, 'duty.lock'))).toBe(true))
  gate.open(3)
  await eventually(async () => expect(pidsOf(place, 'conmon')).toEqual([]), 30_000)
  holder.stdin.end()
  await once(holder, 'exit')
  await place.with(async ({ containers }) => {
    for (const { id } of await containers.list()) expect((await containers.ref(id).wait()).exitCode).toBeGreaterThan(0)
  })
  await place.quiet()
  await clear()
})
