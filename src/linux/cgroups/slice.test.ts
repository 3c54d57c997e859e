import { expect, test } from 'vitest'
import { sliceProperties } from './slice.ts'

test('limits in the words of systemd', () => {
  expect(
    sliceProperties({
      memory: { limit: 1000, swap: 1500, reservation: 500 },
      cpu: { shares: 1024, quota: 150_000, period: 100_000, cpus: '0', mems: '0' },
      pids: { limit: 7 },
      blockIO: { weight: 100 },
      unified: { 'memory.high': '900' },
    }),
  ).toEqual([
    'MemoryMax=1000',
    'MemorySwapMax=500',
    'MemoryLow=500',
    'CPUWeight=39',
    'CPUQuota=150%',
    'AllowedCPUs=0',
    'AllowedMemoryNodes=0',
    'TasksMax=7',
    'IOWeight=100',
    'MemoryHigh=900',
  ])
  expect(sliceProperties({ pids: { limit: -1 }, cpu: { period: 1000 } })).toEqual(['CPUQuota=', 'TasksMax=infinity'])
})

test('what systemd cannot do is refused', () => {
  expect(() => sliceProperties({ unified: { 'hugetlb.2MB.max': '1' } })).toThrow(/no property for hugetlb.2MB.max/)
})
