import { expect, test } from 'vitest'
import { cpuWeight, limitFiles } from './limits.ts'

const resources = {
  memory: { limit: 1000, swap: 1500, reservation: 500 },
  cpu: { shares: 1024, quota: 50_000, period: 100_000, cpus: '0', mems: '0' },
  pids: { limit: 7 },
  blockIO: { weight: 100 },
}
const written = (...args: Parameters<typeof limitFiles>): Record<string, string> =>
  Object.fromEntries(limitFiles(...args).map(({ file, value }) => [file, value]))

test('v1', () => {
  expect(written(resources, 1)).toEqual({
    'memory.limit_in_bytes': '1000',
    'memory.memsw.limit_in_bytes': '1500',
    'memory.soft_limit_in_bytes': '500',
    'cpu.shares': '1024',
    'cpu.cfs_period_us': '100000',
    'cpu.cfs_quota_us': '50000',
    'cpuset.cpus': '0',
    'cpuset.mems': '0',
    'pids.max': '7',
    'blkio.weight': '100',
  })
})

test('v2: swap by itself, one file for the quota, weights on another scale', () => {
  expect(written({ ...resources, unified: { 'memory.high': '900' } }, 2)).toEqual({
    'memory.max': '1000',
    'memory.swap.max': '500',
    'memory.low': '500',
    'cpu.weight': '39',
    'cpu.max': '50000 100000',
    'cpuset.cpus': '0',
    'cpuset.mems': '0',
    'pids.max': '7',
    'io.weight': 'default 100',
    'memory.high': '900',
  })
  expect(written({ memory: { limit: 1, swap: -1 }, pids: { limit: -1 }, cpu: { period: 1000 } }, 2)).toEqual({
    'memory.max': '1',
    'memory.swap.max': 'max',
    'cpu.max': 'max 1000',
    'pids.max': 'max',
  })
  expect([2, 1024, 262_144].map(cpuWeight)).toEqual([1, 39, 10_000])
})

test('nothing is written for what is not limited', () => {
  expect(limitFiles({}, 1)).toEqual([])
  expect(limitFiles({}, 2)).toEqual([])
})
