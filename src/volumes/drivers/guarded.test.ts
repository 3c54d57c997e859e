import { describe, expect, it } from 'vitest'
import { LibpodError } from '../../base/errors.ts'
import type { VolumeDriver } from '../volume-driver.ts'
import { guardedDriver } from './guarded.ts'

const volume = { name: 'data', options: {}, labels: {} }

type Verb = 'create' | 'remove' | 'mount' | 'unmount' | 'usage'

/** Asks a driver whose every verb does the same. */
function ask(verb: Verb, does: () => unknown, signal?: AbortSignal): Promise<unknown> {
  const verbs = Object.fromEntries(['create', 'remove', 'mount', 'unmount', 'usage'].map((name) => [name, does]))
  const driver = guardedDriver({ name: 'mine', ...verbs } as unknown as VolumeDriver)
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

it.each<Verb>(['create', 'mount', 'usage'])('a driver that never comes to the end of %s is given up with the signal', async (verb) => {
  const reason = new Error('enough')
  const abort = new AbortController()
  const asking = ask(verb, () => new Promise(() => {}), abort.signal)
  abort.abort(reason)
  await expect(asking).rejects.toBe(reason)
})
