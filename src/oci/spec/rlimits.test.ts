import { expect, test } from 'vitest'
import { serializeProcess, serializeSpec } from '../serialize-spec.ts'
import { generated, normalized, refusal, someHost } from './spec.fixture.ts'

const of = async (options: object, host: Parameters<typeof someHost>[0] = {}) =>
  (await generated(options, someHost(host))).config.process?.rlimits
const nproc = { type: 'RLIMIT_NPROC', hard: 1_048_576, soft: 1_048_576 }

test('gives the usual limits', async () => {
  expect(await of({})).toEqual([{ type: 'RLIMIT_NOFILE', hard: 1_048_576, soft: 1_048_576 }, nproc])
})

test('goes no higher than this process may', async () => {
  expect(await of({}, { canRaiseLimits: false })).toEqual([
    { type: 'RLIMIT_NOFILE', hard: 20_000, soft: 20_000 },
    { type: 'RLIMIT_NPROC', hard: 5000, soft: 5000 },
  ])
  expect(await of({ ulimits: { nofile: { soft: 10, hard: 30_000 } } }, { canRaiseLimits: false })).toContainEqual({
    type: 'RLIMIT_NOFILE',
    hard: 20_000,
    soft: 10,
  })
})

test('goes no higher than the kernel lets anyone', async () => {
  expect(await of({ ulimits: { nofile: -1 } })).toContainEqual({ type: 'RLIMIT_NOFILE', hard: 1_048_576, soft: 1_048_576 })
})

test('takes the caller’s before containers.conf’s before the usual ones', async () => {
  const defaults = { ...someHost().defaults, defaultUlimits: { nofile: { soft: 1, hard: 2 }, core: { soft: 0, hard: 0 } } }
  expect(await of({ ulimits: { RLIMIT_CORE: { soft: 5, hard: -1 } } }, { defaults })).toEqual([
    { type: 'RLIMIT_NOFILE', hard: 2, soft: 1 },
    nproc,
    { type: 'RLIMIT_CORE', hard: Number.POSITIVE_INFINITY, soft: 5 },
  ])
})

test("'host' leaves them alone", async () => {
  expect(await of({ ulimits: 'host' })).toBeUndefined()
})

test('writes "unlimited" as the runtimes do, which JSON.stringify cannot', async () => {
  const { config } = await generated({ ulimits: { core: -1 }, env: { TRICKY: '"rlimits":[' } })
  const text = serializeSpec(config)
  expect(text).toContain('{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":18446744073709551615}')
  const { process } = JSON.parse(text)
  expect({ ...JSON.parse(text), process: { ...process, rlimits: 0 } }).toEqual(
    JSON.parse(JSON.stringify({ ...config, process: { ...config.process, rlimits: 0 } })),
  )
  if (config.process) expect(JSON.parse(serializeProcess(config.process))).toEqual(process)
})

test.each([
  ['ulimits.nofiles', { nofiles: 1 }],
  ['ulimits.nofile', { nofile: { soft: 2, hard: 1 } }],
  ['ulimits.nofile', { nofile: { soft: -1, hard: 1 } }],
  ['ulimits.nofile', { nofile: -2 }],
  ['ulimits.nofile.max', { nofile: { soft: 1, hard: 1, max: 1 } }],
])('refuses a bad value at %s', async (path, ulimits) => {
  expect(await refusal(normalized({ ulimits } as never))).toMatchObject({ code: 'invalid-argument', path })
})
