import { afterEach, expect, it } from 'vitest'
import type { ContainerEvent, EngineEvent } from './event.ts'
import { draftOf } from './event-log.cases.ts'
import type { EventLog } from './event-log.ts'
import { createMemoryEventLog } from './logs/memory.ts'
import { type StreamEventsOptions, streamEvents } from './stream.ts'

const open: EventLog[] = []

afterEach(async () => {
  for (const log of open.splice(0)) await log.close()
})

function engine() {
  const log = createMemoryEventLog()
  open.push(log)
  const listeners = new Set<() => void>()
  const closing = new AbortController()
  return {
    log,
    listeners,
    closing,
    async emit(...drafts: Parameters<EventLog['append']>) {
      const event = await log.append(...drafts)
      for (const listener of listeners) listener()
      return event
    },
    stream: (options?: StreamEventsOptions) =>
      streamEvents(
        {
          log,
          wake(listener) {
            listeners.add(listener)
            return () => listeners.delete(listener)
          },
          ended: closing.signal,
        },
        options,
      ),
  }
}

async function collect(stream: AsyncIterable<EngineEvent>, count = Number.POSITIVE_INFINITY): Promise<string[]> {
  const names: string[] = []
  for await (const event of stream) {
    names.push((event as ContainerEvent).name)
    if (names.length === count) break
  }
  return names
}

const past = { since: new Date(0), until: new Date() } as const

it('begins now and follows', async () => {
  const { emit, stream, listeners } = engine()
  await emit(draftOf('before'))
  const following = collect(stream(), 3)
  await new Promise((resolve) => setTimeout(resolve, 5))
  for (const name of ['a', 'b', 'c', 'd']) await emit(draftOf(name))
  expect(await following).toEqual(['a', 'b', 'c'])
  expect(listeners.size).toBe(0)
})

it('reads the past, then follows without a gap', async () => {
  const { emit, stream } = engine()
  for (let at = 0; at < 50; at++) await emit(draftOf(String(at)))
  const following = collect(stream({ since: new Date(0) }), 100)
  for (let at = 50; at < 100; at++) await emit(draftOf(String(at)))
  expect(await following).toEqual(Array.from({ length: 100 }, (_, at) => String(at)))
})

it('resumes behind a cursor', async () => {
  const { emit, stream } = engine()
  const { cursor } = await emit(draftOf('a'))
  await emit(draftOf('b'))
  expect(await collect(stream({ after: cursor }), 1)).toEqual(['b'])
})

it('keeps to since and until', async () => {
  const { emit, stream } = engine()
  for (const second of [1, 2, 3, 4]) await emit(draftOf(String(second), { time: `2020-01-01T00:00:0${second}.500000000Z` }))
  const since = '2020-01-01T00:00:02.500000000Z'
  expect(await collect(stream({ since, until: '2020-01-01T01:00:03.5+01:00' }))).toEqual(['2', '3'])
  expect(await collect(stream({ since: '2020-01-01T00:00:02.500000001Z', until: new Date() }))).toEqual(['3', '4'])
  expect(await collect(stream({ until: new Date('2020-01-01T00:00:02Z') }))).toEqual(['1'])
})

it('ends when the time has come', async () => {
  const { emit, stream } = engine()
  const following = collect(stream({ until: new Date(Date.now() + 1500) }))
  await new Promise((resolve) => setTimeout(resolve, 5))
  await emit(draftOf('a'))
  expect(await following).toEqual(['a'])
})

it('ends normally when the engine closes, and has given what was there', async () => {
  const { emit, stream, closing, listeners } = engine()
  const following = collect(stream())
  await new Promise((resolve) => setTimeout(resolve, 5))
  await emit(draftOf('a'))
  closing.abort()
  expect(await following).toEqual(['a'])
  expect(listeners.size).toBe(0)
})

it('ends with the reason of an abort', async () => {
  const { stream, listeners } = engine()
  const reason = new Error('enough')
  const controller = new AbortController()
  const following = collect(stream({ signal: controller.signal }))
  await new Promise((resolve) => setTimeout(resolve, 5))
  controller.abort(reason)
  await expect(following).rejects.toBe(reason)
  expect(listeners.size).toBe(0)
  await expect(collect(stream({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason)
})

it('shows only the types and what the filters let through', async () => {
  const { emit, stream } = engine()
  await emit(draftOf('web', { attributes: { tier: 'front', podId: 'abc' } }))
  await emit(draftOf('db', { id: 'e'.repeat(64), action: 'died', image: 'localhost/db:1' }))
  await emit({ type: 'image', action: 'pull', id: 'd'.repeat(64), name: 'localhost/db:1', attributes: {} })
  const show = (options: StreamEventsOptions) => collect(stream({ ...past, until: new Date(), ...options }))
  expect(await show({ types: ['image'] })).toEqual(['localhost/db:1'])
  expect(await show({ filters: { container: ['web', 'eee'] } })).toEqual(['web', 'db'])
  expect(await show({ filters: { container: ['web', 'db'], event: ['died'] } })).toEqual(['db'])
  expect(await show({ filters: { image: ['localhost/db:1'] } })).toEqual(['db', 'localhost/db:1'])
  expect(await show({ filters: { label: ['tier'] } })).toEqual(['web'])
  expect(await show({ filters: { label: ['tier=back'] } })).toEqual([])
  expect(await show({ filters: { pod: ['ab'] } })).toEqual(['web'])
  expect(await show({ filters: { type: ['image'], event: [] } })).toEqual(['localhost/db:1'])
})

it('refuses what it does not understand', async () => {
  const { stream } = engine()
  const invalid = expect.objectContaining({ code: 'invalid-argument' })
  await expect(collect(stream({ since: 'yesterday' }))).rejects.toEqual(invalid)
  await expect(collect(stream({ until: new Date(Number.NaN) }))).rejects.toEqual(invalid)
  await expect(collect(stream({ filters: { colour: ['red'] } as never }))).rejects.toEqual(invalid)
})

it('ends with its engine, also before the first look at the log, and is refused afterwards', async () => {
  const { stream, closing, log } = engine()
  const early = collect(stream())
  closing.abort()
  await log.close()
  expect(await early).toEqual([])
  await expect(collect(stream())).rejects.toMatchObject({ code: 'closed' })
})
