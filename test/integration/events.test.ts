import { setTimeout as pause } from 'node:timers/promises'
import type { EngineEvent, StreamEventsOptions } from 'libpod-ts'
import { describe, expect, it } from 'vitest'
import { created, sh, started } from '../support/containers.ts'
import { image, useEngine } from '../support/engine.ts'
import { collect, failure } from '../support/results.ts'

const engine = useEngine()

const now = (): Date => new Date()
const told = ({ type, action }: EngineEvent): string => `${type} ${action}`
const past = (options: StreamEventsOptions): Promise<EngineEvent[]> => collect(engine.runtime.events({ until: now(), ...options }))

async function life(name?: string): Promise<string> {
  const container = await started(engine, sh('exit 2'), { name, labels: { told: 'yes' } })
  await container.wait()
  await container.remove()
  return container.id
}

describe('events', () => {
  it('tell what happens while they are listened to, from any engine', async () => {
    await using other = await engine.open()
    const seen: EngineEvent[] = []
    const listening = (async () => {
      for await (const event of other.events({ types: ['container'] })) {
        seen.push(event)
        if (event.action === 'remove') break
      }
    })()
    await pause(50)
    const id = await life('heard')
    await listening
    expect(seen.map(told)).toEqual(['container create', 'container start', 'container died', 'container remove'])
    for (const event of seen) expect(event).toMatchObject({ type: 'container', id, name: 'heard', image })
    expect(seen[2]).toMatchObject({ exitCode: 2 })
    expect(seen[0]?.attributes).toMatchObject({ told: 'yes' })
    const times = seen.map(({ time }) => time)
    expect([...times].sort()).toEqual(times)
    for (const time of times) expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z$/)
  })

  it('can be read later, from a time to a time', async () => {
    const before = now()
    await pause(5)
    const id = await life()
    await pause(5)
    const between = now()
    await pause(5)
    await life()
    const events = await collect(engine.runtime.events({ since: before, until: between, filters: { container: [id] } }))
    expect(events.map(told)).toEqual(['container create', 'container start', 'container died', 'container remove'])
    expect(await collect(engine.runtime.events({ since: before.toISOString(), until: between.toISOString() }))).toHaveLength(4)
    expect(await past({ since: now() })).toEqual([])
  })

  it('go on exactly behind a cursor, in another engine too', async () => {
    const since = now()
    await life()
    const all = await past({ since })
    expect(all).toHaveLength(4)
    await using other = await engine.open()
    for (const [at, { cursor }] of all.entries())
      expect(await collect(other.events({ after: cursor, until: now() }))).toEqual(all.slice(at + 1))
    const following = other.events({ after: all[3]?.cursor })[Symbol.asyncIterator]()
    const next = following.next()
    const container = await created(engine, ['true'])
    expect((await next).value).toMatchObject({ action: 'create', id: container.id })
    await following.return?.(undefined)
    await container.remove()
  })

  it('are filtered', async () => {
    const since = now()
    const id = await life('filtered')
    const mine = await engine.runtime.images.get(image)
    await mine.tag('localhost/other:1')
    await mine.untag('localhost/other:1')
    const count = async (filters: StreamEventsOptions['filters'], types?: StreamEventsOptions['types']): Promise<string[]> =>
      (await past({ since, filters, types })).map(({ action }) => action)
    expect(await count({}, ['image'])).toEqual(['tag', 'untag'])
    expect(await count({ type: 'image' })).toEqual(['tag', 'untag'])
    expect(await count({ event: ['died', 'tag'] })).toEqual(['died', 'tag'])
    expect(await count({ container: ['filtered'], event: ['start'] })).toEqual(['start'])
    expect(await count({ container: [id.slice(0, 12)] })).toHaveLength(4)
    expect(await count({ image: [image], type: ['container'] })).toHaveLength(4)
    expect(await count({ label: ['told=yes'] })).toHaveLength(4)
    expect(await count({ label: 'told=no' })).toEqual([])
    expect(await count({ label: 'constructor' })).toEqual([])
    expect(await count({ container: ['nobody'] })).toEqual([])
  })

  it('end with their runtime, with an abort, and with break', async () => {
    const other = await engine.open()
    const open = collect(other.events())
    await pause(20)
    await other.close()
    expect(await open).toEqual([])
    const abort = new AbortController()
    const reason = { why: 'enough' }
    const aborted = expect(collect(engine.runtime.events({ signal: abort.signal }))).rejects.toBe(reason)
    await pause(20)
    abort.abort(reason)
    await aborted
    await expect(collect(engine.runtime.events({ signal: abort.signal }))).rejects.toBe(reason)
  })

  it.each<[unknown, string]>([
    [{ since: 'yesterday' }, 'since'],
    [{ since: new Date('never') }, 'since'],
    [{ until: 7 }, 'until'],
    [{ filters: { colour: ['red'] } }, 'filters.colour'],
    [{ filters: { event: 7 } }, 'filters.event'],
    [{ types: ['pods'] }, 'types[0]'],
    [{ after: 'nonsense' }, 'after'],
    [{ sinse: new Date() }, 'sinse'],
  ])('refuse %j', async (options, path) => {
    const error = await failure(collect(engine.runtime.events({ until: now(), ...(options as StreamEventsOptions) })))
    expect(error).toMatchObject({ code: 'invalid-argument', details: { path } })
  })
})

describe('a listener', () => {
  it('is called until it is taken back, and what it throws goes to the logger alone', async () => {
    const errors: string[] = []
    await using other = await engine.open({ logger: { debug() {}, warn() {}, error: (message: string) => void errors.push(message) } })
    const heard: string[] = []
    const off = [
      other.on('container', () => {
        throw new Error('mine')
      }),
      other.on('container', async () => Promise.reject(new Error('later'))),
      other.on('container', ({ action }) => heard.push(action)),
    ]
    const container = await other.containers.create({ image, command: ['true'], network: 'none' })
    await container.start()
    expect(heard).toEqual(['create', 'start'])
    await expect.poll(() => errors.filter((message) => message.includes('mine')).length).toBe(2)
    expect(errors.filter((message) => message.includes('later'))).toHaveLength(2)
    for (const stop of off) stop()
    await container.wait()
    await container.remove()
    expect(heard).toEqual(['create', 'start'])
  })
})
