import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type CgroupHost, detectCgroups } from './detect.ts'
import { GracePeriod } from './grace-period.ts'
import { createCgroup, moveProcess, removeCgroup } from './manage.ts'
import { type CgroupPaths, cgroupsOfProcess } from './paths.ts'

let host: CgroupHost
let home: CgroupPaths

beforeEach(async () => {
  host = await detectCgroups()
  home = (await cgroupsOfProcess(host, process.pid)) as CgroupPaths
})
afterEach(() => moveProcess(home, process.pid))

const membership = (): Promise<string> => readFile('/proc/self/cgroup', 'utf8')

test('leaves this process where it is, also when that is not where it began', async () => {
  const period = new GracePeriod()
  const before = await membership()
  await period.begin()
  expect(await membership()).toBe(before)

  const elsewhere = await createCgroup(host, `/libpod-ts-test-${process.pid}-grace-period`)
  await moveProcess(elsewhere, process.pid)
  const moved = await membership()
  expect(moved).toContain('grace-period')
  await period.begin()
  expect(await membership()).toBe(moved)

  await moveProcess(home, process.pid)
  await removeCgroup(elsewhere)
})

test('joins one that is under way, and begins another after it', async () => {
  const period = new GracePeriod()
  const first = period.begin()
  expect(period.begin()).toBe(first)
  await first
  const second = period.begin()
  expect(second).not.toBe(first)
  await second
})
