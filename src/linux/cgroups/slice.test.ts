import { expect, test } from 'vitest'
import { sliceProperties } from './slice.ts'

test('limits in the words of systemd', () => {
  expect(
    sliceProperties({
      memory: { limit: 1000, swap: 1500, reservation: 500 },
      cpu: { shares: 1024, quota: 150_000, period: 100_000, cpus: '0-2,9', mems: '0' },
      pids: { limit: 7 },
      blockIO: { weight: 100 },
      unified: { 'memory.high': '900' },
    }),
  ).toEqual([
    ['MemoryMax', 't', '1000'],
    ['MemorySwapMax', 't', '500'],
    ['MemoryLow', 't', '500'],
    ['CPUWeight', 't', '39'],
    ['CPUQuotaPerSecUSec', 't', '1500000'],
    ['CPUQuotaPeriodUSec', 't', '100000'],
    ['AllowedCPUs', 'ay', '2', '7', '2'],
    ['AllowedMemoryNodes', 'ay', '1', '1'],
    ['TasksMax', 't', '7'],
    ['IOWeight', 't', '100'],
    ['MemoryHigh', 't', '900'],
  ])
  expect(sliceProperties({ pids: { limit: -1 }, cpu: { period: 1000 } })).toEqual([
    ['CPUQuotaPerSecUSec', 't', '18446744073709551615'],
    ['CPUQuotaPeriodUSec', 't', '1000'],
    ['TasksMax', 't', '18446744073709551615'],
  ])
})

test('what systemd cannot do is refused', () => {
  expect(() => sliceProperties({ unified: { 'hugetlb.2MB.max': '1' } })).toThrow(/no property for hugetlb.2MB.max/)
})
