import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { LibpodError } from '../../base/errors.ts'
import type { VolumeDriver } from '../volume-driver.ts'
import { guardedDriver } from './guarded.ts'

const volume = { name: 'data', options: {}, labels: {} }

type Verb = 'create' | 'remove' | 'mount' | 'unmount' | 'usage'

/** Asks a driver whose every verb does the same. */
function ask(
  verb: Verb,
  does: () => unknown,
  { signal, ...options }: { readonly signal?: AbortSignal; readonly patienceMs?: number } = {},
): Promise<unknown> {
  const verbs = Object.fromEntries(['create', 'remove', 'mount', 'unmount', 'usage'].map((name) => [name, does]))
  const driver = guardedDriver({ name: 'mine', ...verbs } as unknown as VolumeDriver, options)
  return driver[verb](volume, { user: 'someone', signal })
}

const thrown = (error: unknown) => (): never => {
  throw error
}

describe.each<Verb>(['create', 'remove', 'mount', 'unmount', 'usage'])('a driver of the host’s own that is asked to %s', (verb) => {
  it.each<[string, () => unknown]>([
    ['throws an error', thrown(new Error('boom'))],
    ['throws nothing', thrown(undefined)],
    ['rejects with a text', () => Promise.reject('boom')],
  ])('and %s is named', async (_, does) => {
    await expect(ask(verb, does)).rejects.toMatchObject({
      name: 'LibpodError',
      code: 'internal',
      message: expect.stringContaining('volume driver mine'),
      hint: expect.stringMatching(/./),
    })
  })

  it('and refuses is left its own words', async () => {
    const refusal = new LibpodError('invalid-argument', 'No.', { path: 'options.x' })
    await expect(ask(verb, thrown(refusal))).rejects.toBe(refusal)
  })
})

describe('what such a driver says', () => {
  const folder = { type: 'folder', path: '/data' }
  it.each<[Verb, unknown]>([
    ['create', {}],
    ['create', { mountpoint: '/data' }],
    ['mount', folder],
    ['mount', { ...folder, stage: '/stage' }],
    ['mount', { type: 'folder', path: '/srv/v/data', stage: '/srv/v/stage' }],
    ['mount', { type: 'mount', mount: { type: 'tmpfs', source: 'tmpfs', options: ['ro'] } }],
    ['usage', { sizeBytes: 1, inodes: 2 }],
    ['remove', undefined],
    ['unmount', undefined],
  ])('is taken: %s, %j', async (verb, answer) => {
    expect(await ask(verb, async () => answer)).toBe(answer)
  })

  it.each<[Verb, unknown]>([
    ['create', undefined],
    ['create', null],
    ['create', '/data'],
    ['create', { mountpoint: 5 }],
    ['create', { mountpoint: '../x' }],
    ['mount', undefined],
    ['mount', {}],
    ['mount', { type: 'folder', path: 'data' }],
    ['mount', { ...folder, stage: 7 }],
    ['mount', { ...folder, stage: '/data' }],
    ['mount', { ...folder, stage: '/srv/../data/' }],
    ['mount', { ...folder, stage: '/' }],
    ['mount', { ...folder, stage: '/data/stage' }],
    ['mount', { type: 'mount' }],
    ['mount', { type: 'mount', mount: { type: 'tmpfs', source: 'tmpfs' } }],
    ['usage', undefined],
    ['usage', { sizeBytes: '1', inodes: 2 }],
    ['usage', { sizeBytes: Number.NaN, inodes: 2 }],
  ])('is refused where it is no answer: %s, %j', async (verb, answer) => {
    await expect(ask(verb, async () => answer)).rejects.toMatchObject({ code: 'internal', message: expect.stringContaining('should') })
  })
})

/** Work whose end the test decides. */
function gate(): { readonly promise: Promise<unknown>; resolve(value: unknown): void; reject(error: unknown): void } {
  const ends: { resolve(value: unknown): void; reject(error: unknown): void } = { resolve() {}, reject() {} }
  const promise = new Promise((resolve, reject) => Object.assign(ends, { resolve, reject }))
  return { promise, resolve: (value) => ends.resolve(value), reject: (error) => ends.reject(error) }
}

describe('after the abort', () => {
  const reason = new Error('enough')
  const made: Readonly<Record<'create' | 'mount', unknown>> = { create: {}, mount: { type: 'folder', path: '/data' } }

  it.each<Verb>(['create', 'mount', 'usage'])('a driver that never comes to the end of %s is given up', async (verb) => {
    const abort = new AbortController()
    const asking = ask(verb, () => new Promise(() => {}), { signal: abort.signal, patienceMs: 5 })
    abort.abort(reason)
    await expect(asking).rejects.toBe(reason)
  })

  it('nobody waits for what only measures', async () => {
    const abort = new AbortController()
    const asking = ask('usage', () => new Promise(() => {}), { signal: abort.signal })
    abort.abort(reason)
    await expect(asking).rejects.toBe(reason)
  })

  it.each(['create', 'mount'] as const)('what comes of %s counts, so that it can be undone', async (verb) => {
    const abort = new AbortController()
    const work = gate()
    let settled = false
    const asking = ask(verb, () => work.promise, { signal: abort.signal }).finally(() => {
      settled = true
    })
    abort.abort(reason)
    await setImmediate()
    expect(settled, 'it is still at work').toBe(false)
    work.resolve(made[verb])
    expect(await asking).toBe(made[verb])
  })

  it.each(['create', 'mount'] as const)('a driver that ends %s by itself is not told of as one that failed', async (verb) => {
    const abort = new AbortController()
    const work = gate()
    const asking = ask(verb, () => work.promise, { signal: abort.signal })
    abort.abort(reason)
    work.reject(new Error('it was told to end'))
    await expect(asking).rejects.toBe(reason)
  })

  it.each<Verb>(['create', 'mount', 'usage'])('a driver is not asked to %s at all', async (verb) => {
    let asked = false
    const does = async () => {
      asked = true
    }
    await expect(ask(verb, does, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(asked).toBe(false)
  })
})
