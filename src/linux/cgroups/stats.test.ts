import { expect, test } from 'vitest'
import { parseServiceBytes } from './stats-v1.ts'
import { parseIoStat, parseStatsV2 } from './stats-v2.ts'

test('a v2 cgroup with limits', () => {
  const stats = parseStatsV2({
    'memory.current': '104857600\n',
    'memory.max': '209715200\n',
    'memory.peak': '150000000\n',
    'memory.stat': 'anon 50000000\nfile 40000000\ninactive_file 30000000\npgfault 1234\npgmajfault 5\n',
    'memory.swap.current': '4096\n',
    'memory.swap.max': '0\n',
    'memory.events': 'low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n',
    'cpu.stat': 'usage_usec 2000\nuser_usec 1500\nsystem_usec 500\nnr_periods 3\nnr_throttled 1\nthrottled_usec 40\n',
    'pids.current': '3\n',
    'pids.max': '2048\n',
    'io.stat': '8:0 rbytes=90112 wbytes=4096 rios=22 wios=1 dbytes=0 dios=0\n253:0 rbytes=8 wbytes=2 rios=1 wios=1 dbytes=9 dios=1\n',
  })
  expect(stats).toEqual({
    memory: {
      usageBytes: 104857600,
      workingSetBytes: 74857600,
      limitBytes: 209715200,
      peakBytes: 150000000,
      rssBytes: 50000000,
      cacheBytes: 40000000,
      swapBytes: 4096,
      swapLimitBytes: 0,
      pageFaults: 1234,
      majorPageFaults: 5,
      oomKills: 1,
    },
    cpu: { usageNs: 2_000_000, userNs: 1_500_000, systemNs: 500_000, throttledNs: 40_000 },
    pids: { current: 3, limit: 2048 },
    io: { readBytes: 90120, writeBytes: 4098 },
  })
})

test('a v2 cgroup without limits, without swap, with few controllers', () => {
  const stats = parseStatsV2({
    'memory.current': '10\n',
    'memory.max': 'max\n',
    'memory.stat': 'inactive_file 30\n',
    'cpu.stat': 'usage_usec 1\nuser_usec 1\nsystem_usec 0\n',
    'pids.current': '1\n',
    'pids.max': 'max\n',
  })
  expect(stats.memory).toEqual({
    usageBytes: 10,
    workingSetBytes: 0,
    rssBytes: 0,
    cacheBytes: 0,
    pageFaults: 0,
    majorPageFaults: 0,
    oomKills: 0,
  })
  expect(stats.pids).toEqual({ current: 1 })
  expect(stats).not.toHaveProperty('io')
  expect(parseStatsV2({})).toEqual({})
})

test('block devices: v1 and v2, and none', () => {
  expect(parseServiceBytes('8:0 Read 100\n8:0 Write 5\n8:0 Sync 105\n8:0 Total 105\n8:16 Read 1\nTotal 106\n')).toEqual({
    readBytes: 101,
    writeBytes: 5,
  })
  expect(parseServiceBytes('Total 0\n')).toEqual({ readBytes: 0, writeBytes: 0 })
  expect(parseIoStat('')).toEqual({ readBytes: 0, writeBytes: 0 })
  expect(parseIoStat('8:0 \n')).toEqual({ readBytes: 0, writeBytes: 0 })
})
