import { expect, test } from 'vitest'
import { generated, normalized, refusal, someHost } from './spec.fixture.ts'

const mib = 2 ** 20
const of = async (options: object, host = someHost()) => {
  const { devices: _, ...resources } = (await generated(options, host)).config.linux?.resources ?? {}
  return resources
}

test('limits processes, and nothing else, by default', async () => {
  expect(await of({})).toEqual({ pids: { limit: 2048 } })
  expect(await of({ pidsLimit: 7 })).toEqual({ pids: { limit: 7 } })
  expect(await of({ pidsLimit: 0 })).toEqual({ pids: { limit: -1 } })
})

test('leaves the limit on processes out where there are no cgroups to set it in', async () => {
  expect(await of({}, someHost({ rootless: true, cgroupVersion: 1, delegatedControllers: [] }))).toEqual({})
})

test('memory: swap is as much again, unless said otherwise or not counted', async () => {
  expect((await of({ memoryBytes: 64 * mib })).memory).toEqual({ limit: 64 * mib, swap: 128 * mib })
  expect((await of({ memoryBytes: 64 * mib, memorySwapBytes: 64 * mib })).memory).toEqual({ limit: 64 * mib, swap: 64 * mib })
  expect((await of({ memoryBytes: 64 * mib, memorySwapBytes: -1 })).memory).toEqual({ limit: 64 * mib, swap: -1 })
  expect((await of({ memoryBytes: 64 * mib }, someHost({ swapLimit: false }))).memory).toEqual({ limit: 64 * mib })
  expect((await of({ memoryReservationBytes: mib })).memory).toEqual({ reservation: mib })
  expect((await of({ memorySwappiness: 0 }, someHost({ cgroupVersion: 1 }))).memory).toEqual({ swappiness: 0 })
})

test('processors', async () => {
  expect((await of({ cpus: 1.5, cpuShares: 12, cpusetCpus: '0-2,7', cpusetMems: '0' })).cpu).toEqual({
    shares: 12,
    quota: 150_000,
    period: 100_000,
    cpus: '0-2,7',
    mems: '0',
  })
  expect((await of({ cpuQuota: -1, cpuPeriod: 50_000 })).cpu).toEqual({ quota: -1, period: 50_000 })
})

test('the rest', async () => {
  expect(await of({ blkioWeight: 100, cgroupConf: { 'memory.high': '1M' } })).toMatchObject({
    blockIO: { weight: 100 },
    unified: { 'memory.high': '1M' },
  })
})

test('oom_score_adj is raised to what this process may set', async () => {
  const adj = async (oomScoreAdj: number, host: object) => (await generated({ oomScoreAdj }, someHost(host))).config.process?.oomScoreAdj
  expect(await adj(-500, { canRaiseLimits: true, oomScoreAdj: 100 })).toBe(-500)
  expect(await adj(-500, { canRaiseLimits: false, oomScoreAdj: 100 })).toBe(100)
  expect(await adj(500, { canRaiseLimits: false, oomScoreAdj: 100 })).toBe(500)
})

test.each([
  ['memoryBytes', { memoryBytes: -1 }],
  ['memoryBytes', { memoryBytes: 1.5 }],
  ['memoryBytes', { memoryBytes: '64m' }],
  ['memorySwapBytes', { memorySwapBytes: mib }],
  ['memorySwapBytes', { memoryBytes: 2 * mib, memorySwapBytes: mib }],
  ['memoryReservationBytes', { memoryBytes: mib, memoryReservationBytes: 2 * mib }],
  ['cpus', { cpus: -1 }],
  ['cpus', { cpus: 0.001 }],
  ['cpus', { cpus: 1, cpuQuota: 5000 }],
  ['cpus', { cpus: 1, cpuPeriod: 5000 }],
  ['cpuPeriod', { cpuPeriod: 10 }],
  ['cpuQuota', { cpuQuota: 10 }],
  ['cpusetCpus', { cpusetCpus: '0-' }],
  ['cpusetMems', { cpusetMems: 'all' }],
  ['pidsLimit', { pidsLimit: -2 }],
  ['blkioWeight', { blkioWeight: 5 }],
  ['oomScoreAdj', { oomScoreAdj: 2000 }],
  ['cgroupConf.../x', { cgroupConf: { '../x': '1' } }],
])('refuses a bad value at %s', async (path, options) => {
  expect(await refusal(normalized(options as never))).toMatchObject({ code: 'invalid-argument', path })
})

test.each([
  ['memorySwapBytes', { memoryBytes: mib, memorySwapBytes: 2 * mib }, { swapLimit: false }],
  ['memorySwappiness', { memorySwappiness: 5 }, { cgroupVersion: 2 as const }],
  ['cgroupConf', { cgroupConf: { 'a.b': '1' } }, { cgroupVersion: 1 as const }],
])('says what this host cannot: %s', async (path, options, host) => {
  expect(await refusal(generated(options, someHost(host)))).toMatchObject({ code: 'unsupported', path })
})
