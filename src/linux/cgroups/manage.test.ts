import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { processStartTime, readProcessStat } from '../proc.ts'
import { type CgroupHost, describeCgroups, detectCgroups } from './detect.ts'
import { cgroupExists, createCgroup, moveProcess, removeCgroup } from './manage.ts'
import { type CgroupPaths, cgroupPaths, cgroupsOfProcess, directoriesOf } from './paths.ts'
import { freezeState, killCgroup, readPids, setFrozen } from './processes.ts'
import { readStats } from './stats.ts'

let host: CgroupHost
let count = 0
let parent: string
const children: ChildProcess[] = []

beforeAll(async () => {
  host = await detectCgroups()
})

beforeEach(() => {
  parent = `/libpod-ts-test-${process.pid}-${count++}`
})

afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  await killCgroup(cgroupPaths(host, parent))
  await removeCgroup(cgroupPaths(host, parent))
})

async function run(paths: CgroupPaths, command: string): Promise<number> {
  // Moved before it goes on, so that all it uses is counted.
  const child = spawn('sh', ['-c', `read go; ${command}`], { stdio: ['pipe', 'ignore', 'inherit'] })
  children.push(child)
  const pid = Number(child.pid)
  expect(await moveProcess(paths, pid)).toBe(true)
  child.stdin?.write('\n')
  return pid
}

test('a cgroup is made in every tree, takes processes, and goes with all below it', async () => {
  const paths = await createCgroup(host, `${parent}/a/b`)
  for (const directory of directoriesOf(paths)) expect(existsSync(directory)).toBe(true)
  expect(await createCgroup(host, `${parent}/a/b`)).toEqual(paths)
  expect(await cgroupExists(paths)).toBe(true)
  const pid = await run(paths, 'sleep 100')
  expect(await cgroupsOfProcess(host, pid)).toEqual(paths)
  const whole = cgroupPaths(host, parent)
  expect(await readPids(whole)).toContain(pid)
  await killCgroup(whole)
  expect(await processStartTime(pid)).toBeUndefined()
  await removeCgroup(whole)
  expect(await cgroupExists(whole)).toBe(false)
  for (const directory of directoriesOf(whole)) expect(existsSync(directory)).toBe(false)
})

test('a process that is gone cannot be moved, and what is missing can be removed, asked and killed', async () => {
  const paths = await createCgroup(host, parent)
  expect(await moveProcess(paths, 0x3fffff)).toBe(false)
  await removeCgroup(paths)
  await removeCgroup(paths)
  expect(await readPids(paths)).toEqual([])
  expect(await readStats(paths)).toBeUndefined()
  expect(await freezeState(paths)).toBeUndefined()
  expect(await setFrozen(paths, true)).toBe(false)
  await killCgroup(paths)
  await expect(moveProcess(paths, process.pid)).rejects.toMatchObject({ code: 'not-found' })
})

test('the same in the unified tree alone, as on a v2 host', async () => {
  const v2 = describeCgroups(host.hierarchies.filter(({ version }) => version === 2))
  const paths = await createCgroup(v2, `${parent}/a/b`)
  expect(paths.v1).toEqual({})
  const pid = await run(paths, 'exec sleep 100')
  expect(await readPids(cgroupPaths(v2, parent))).toEqual([pid])
  // What it has used is counted when it stops running.
  await expect.poll(async () => (await readStats(paths))?.cpu?.usageNs).toBeGreaterThan(0)
  expect(await setFrozen(paths, true)).toBe(true)
  expect(await freezeState(paths)).toBe('frozen')
  await expect(removeCgroup(paths)).rejects.toMatchObject({ code: 'in-use' })
  await killCgroup(cgroupPaths(v2, parent))
  expect(await readPids(paths)).toEqual([])
  await removeCgroup(cgroupPaths(v2, parent))
  expect(await cgroupExists(cgroupPaths(v2, parent))).toBe(false)
  expect(await freezeState(paths)).toBeUndefined()
  await killCgroup(paths)
})

test('only the trees that were named get the process', async () => {
  const paths = await createCgroup(host, parent)
  const child = spawn('sleep', ['100'])
  children.push(child)
  expect(await moveProcess({ v1: paths.v1 }, Number(child.pid), { controllers: ['pids'] })).toBe(true)
  const now = await cgroupsOfProcess(host, Number(child.pid))
  expect(now?.v1['pids']).toBe(paths.v1['pids'])
  expect(now?.v1['memory']).not.toBe(paths.v1['memory'])
})

test('a cgroup with a process in it is in use', async () => {
  const paths = await createCgroup(host, parent)
  const pid = await run(paths, 'exec sleep 100')
  await expect(removeCgroup(paths)).rejects.toMatchObject({ code: 'in-use', details: { users: [`process/${pid}`] } })
})

test('freezes and thaws, also when asked twice', async () => {
  const paths = await createCgroup(host, parent)
  const pid = await run(paths, 'while :; do :; done')
  expect(await freezeState(paths)).toBe('thawed')
  expect(await setFrozen(paths, true)).toBe(true)
  expect(await setFrozen(paths, true)).toBe(true)
  expect(await freezeState(paths)).toBe('frozen')
  const before = (await readProcessStat(pid))?.userTicks
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect((await readProcessStat(pid))?.userTicks).toBe(before)
  expect(await setFrozen(paths, false)).toBe(true)
  expect(await freezeState(paths)).toBe('thawed')
})

test('kills what is frozen, and what forks without end', async () => {
  const paths = await createCgroup(host, `${parent}/deep`)
  await run(paths, 'while :; do sleep 100 & sleep 0.01; done')
  await run(paths, 'trap "" TERM; sleep 100')
  await setFrozen(paths, true)
  await killCgroup(cgroupPaths(host, parent))
  expect(await readPids(paths)).toEqual([])
})

test('counts what its processes use', async () => {
  const paths = await createCgroup(host, parent)
  const pid = await run(
    paths,
    `exec python3 -c '
import os, time
data = b"x" * 50_000_000
while os.times().user < 0.2: sum(range(100_000))
time.sleep(100)'`,
  )
  // The kernel adds up what each CPU has counted every two seconds only, and samples at its ticks whose time it is.
  const counted = async (): Promise<object> => {
    const stats = await readStats(paths)
    const cpu = (stats?.cpu?.usageNs ?? 0) > 1e8 && (stats?.cpu?.userNs ?? 0) > 5e7
    return { cpu, memory: (stats?.memory?.rssBytes ?? 0) > 5e7, state: (await readProcessStat(pid))?.state }
  }
  await expect.poll(counted, { timeout: 25_000 }).toEqual({ cpu: true, memory: true, state: 'S' })
  const stats = await readStats(paths)
  expect(stats?.memory?.rssBytes).toBeGreaterThan(50_000_000)
  expect(stats?.memory?.usageBytes).toBeGreaterThanOrEqual(Number(stats?.memory?.workingSetBytes))
  expect(stats?.memory?.pageFaults).toBeGreaterThan(1000)
  expect(stats?.memory?.oomKills).toBe(0)
  expect(stats?.memory).not.toHaveProperty('limitBytes')
  expect(stats?.cpu?.usageNs).toBeLessThan(5e9)
  expect(stats?.cpu?.userNs).toBeGreaterThan(5e7)
  expect(stats?.pids).toEqual({ current: 1 })
})
