import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { clampRlimit, parseRlimitName, parseRlimits, readRlimits, rlimitNames } from './rlimits.ts'

test('reads every limit of a process', async () => {
  const limits = await readRlimits()
  expect([...limits.keys()].sort()).toEqual([...rlimitNames].sort())
  expect(limits.get('RLIMIT_NOFILE')?.hard).toBe(
    Number(execFileSync('prlimit', ['--nofile', '--raw', '--noheadings', '-o', 'HARD']).toString()),
  )
})

test('reads limits that were set, and unlimited ones', () => {
  const text = execFileSync('prlimit', ['--nofile=123:456', '--core=unlimited', 'cat', '/proc/self/limits']).toString()
  const limits = parseRlimits(text)
  expect(limits.get('RLIMIT_NOFILE')).toEqual({ soft: 123, hard: 456 })
  expect(limits.get('RLIMIT_CORE')?.hard).toBe(Number.POSITIVE_INFINITY)
})

test('clamps to the hard limit unless it may be raised', () => {
  const wanted = { soft: 1000, hard: 2000 }
  const current = { soft: 100, hard: 500 }
  expect(clampRlimit(wanted, current, false)).toEqual({ soft: 500, hard: 500 })
  expect(clampRlimit(wanted, current, true)).toEqual(wanted)
  expect(clampRlimit(wanted, undefined, false)).toEqual(wanted)
  expect(clampRlimit({ soft: 10, hard: Number.POSITIVE_INFINITY }, current, false)).toEqual({ soft: 10, hard: 500 })
})

test('names come in many forms', () => {
  expect(['nofile', 'RLIMIT_NOFILE', 'NoFile', 'flight'].map(parseRlimitName)).toEqual([
    'RLIMIT_NOFILE',
    'RLIMIT_NOFILE',
    'RLIMIT_NOFILE',
    undefined,
  ])
})
