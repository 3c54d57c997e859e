import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DutyLock } from './duty.ts'

let directory: string
let path: string
let children: ChildProcess[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'libpod-ts-duty-'))
  path = join(directory, 'duty.lock')
  children = []
})

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  await rm(directory, { recursive: true, force: true })
})

it('is had by one at a time', () => {
  const [one, two] = [new DutyLock(path), new DutyLock(path)]
  expect(one.tryTake()).toBe(true)
  expect(one.tryTake()).toBe(true)
  expect(two.tryTake()).toBe(false)
  expect([one.held, two.held]).toEqual([true, false])
  one.release()
  one.release()
  expect(two.tryTake()).toBe(true)
  two.release()
})

it('goes to one of those who contend as soon as it is released', async () => {
  const [holder, ...contenders] = Array.from({ length: 4 }, () => new DutyLock(path))
  expect(holder?.tryTake()).toBe(true)
  const waits = contenders.map((contender) => contender.whenTaken().then(() => contender))
  await new Promise((resolve) => setTimeout(resolve, 100))
  const begin = performance.now()
  holder?.release()
  for (let left = waits.length; left > 0; left--) {
    const taken = await Promise.race(waits.filter((_, at) => !contenders[at]?.held).concat(waits.filter((_, at) => contenders[at]?.held)))
    expect(contenders.filter(({ held }) => held).length).toBeLessThanOrEqual(1)
    contenders.find(({ held }) => held)?.release()
    expect(taken).toBeInstanceOf(DutyLock)
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  await Promise.all(waits)
  console.info(`duty: 3 hand-overs in ${Math.round(performance.now() - begin)} ms, 90 of them pauses`)
  for (const contender of contenders) contender.release()
})

it('is taken over at once when its holder is killed, and seen by flock(1)', async () => {
  const program = join(directory, 'hold.sh')
  const slowest: number[] = []
  for (let round = 0; round < 5; round++) {
    // The shell opens the file for writing, as an engine does.
    const child = spawn('/bin/bash', ['-c', `exec 9<>'${path}'; flock -n 9 && echo held; exec sleep 60`, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    await once(child.stdout, 'data')
    const duty = new DutyLock(path)
    expect(duty.tryTake()).toBe(false)
    const taken = duty.whenTaken()
    await new Promise((resolve) => setTimeout(resolve, 100))
    const begin = performance.now()
    child.kill('SIGKILL')
    await taken
    slowest.push(performance.now() - begin)
    expect(() => execFileSync('flock', ['-n', path, 'true'])).toThrow()
    duty.release()
    execFileSync('flock', ['-n', path, 'true'])
  }
  console.info(`duty: taken over ${Math.max(...slowest).toFixed(1)} ms after a kill, at most`)
  expect(Math.max(...slowest)).toBeLessThan(6_000)
})

it('an aborted wait rejects with the reason and is out of the way', async () => {
  const [holder, contender] = [new DutyLock(path), new DutyLock(path)]
  expect(holder.tryTake()).toBe(true)
  const reason = new Error('enough')
  const controller = new AbortController()
  const waiting = contender.whenTaken(controller.signal)
  await new Promise((resolve) => setTimeout(resolve, 50))
  controller.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await expect(contender.whenTaken(AbortSignal.abort(reason))).rejects.toBe(reason)
  holder.release()
  expect(contender.held).toBe(false)
  expect(holder.tryTake()).toBe(true)
  holder.release()
})
