import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  bootId,
  isSameProcess,
  isSameProcessSync,
  parseProcessStat,
  processStartTime,
  processStartTimeSync,
  readProcessStat,
  uptimeMs,
} from './proc.ts'

test('a process is known by its pid and start time, until it ends', async () => {
  const child = spawn('sleep', ['100'])
  const pid = Number(child.pid)
  const startTime = await processStartTime(pid)
  expect(startTime).toMatch(/^\d+$/)
  expect(processStartTimeSync(pid)).toBe(startTime)
  const identity = { pid, startTime: String(startTime) }
  expect(await isSameProcess(identity)).toBe(true)
  expect(isSameProcessSync(identity)).toBe(true)
  expect(await isSameProcess({ pid, startTime: '1' })).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await isSameProcess(identity)).toBe(false)
  expect(processStartTimeSync(pid)).toBeUndefined()
})

test('a zombie is no running process', async () => {
  const parent = spawn('python3', ['-c', 'import os,sys,time\np=os.fork()\nif p==0: os._exit(0)\nprint(p,flush=True)\ntime.sleep(100)'])
  try {
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    while ((await readProcessStat(pid))?.state !== 'Z') await new Promise((resolve) => setTimeout(resolve, 1))
    expect(await processStartTime(pid)).toBeUndefined()
  } finally {
    parent.kill('SIGKILL')
    await once(parent, 'exit')
  }
})

test('programs with hostile names are read right', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'libpod-ts-proc-'))
  const name = 'a) R 1 (b\n)'
  copyFileSync('/bin/sleep', join(directory, name))
  const child = spawn(join(directory, name), ['100'])
  try {
    await once(child, 'spawn')
    const stat = await readProcessStat(Number(child.pid))
    expect(stat).toMatchObject({ pid: child.pid, comm: name, ppid: process.pid })
    expect(stat?.startTime).toBe(await processStartTime(Number(child.pid)))
    expect(Math.abs((await uptimeMs()) / 10 - Number(stat?.startTime))).toBeLessThan(6000)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
    rmSync(directory, { recursive: true })
  }
})

test('what is no stat line gives nothing', () => {
  expect(parseProcessStat('')).toBeUndefined()
  expect(parseProcessStat('1 (x) R 1')).toBeUndefined()
})

test('the boot id is a uuid', async () => {
  expect(await bootId()).toMatch(/^[0-9a-f-]{36}$/)
})
