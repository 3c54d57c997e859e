import { describe, expect, it } from 'vitest'
import { LibpodError } from '../base/errors.ts'
import { makeHeld } from './make.ts'
import type { VolumeRecord } from './record.ts'
import type { VolumesServices } from './services.ts'

const record = { name: 'data', driver: 'mine', options: {}, labels: {}, made: false } as unknown as VolumeRecord

function make(create: () => unknown, signal?: AbortSignal): Promise<VolumeRecord> {
  const services = { probe: undefined, drivers: new Map([['mine', { name: 'mine', create }]]) } as unknown as VolumesServices
  return makeHeld(services, record, { signal })
}

describe('a driver of the host’s own that makes a volume', () => {
  const thrown = (error: unknown) => (): never => {
    throw error
  }
  it.each<[string, () => unknown]>([
    ['throws an error', thrown(new Error('boom'))],
    ['throws nothing', thrown(undefined)],
    ['rejects with a text', () => Promise.reject('boom')],
    ['gives nothing', async () => undefined],
    ['gives null', async () => null],
    ['gives a text', async () => '/data'],
    ['gives a number as mountpoint', async () => ({ mountpoint: 5 })],
    ['gives a relative mountpoint', async () => ({ mountpoint: '../x' })],
  ])('and %s is named', async (_, create) => {
    await expect(make(create)).rejects.toMatchObject({
      name: 'LibpodError',
      code: 'internal',
      message: expect.stringContaining('volume driver mine'),
      hint: expect.stringMatching(/./),
    })
  })

  it('and refuses an option is left its own words', async () => {
    const refusal = new LibpodError('invalid-argument', 'No.', { path: 'options.x' })
    await expect(make(thrown(refusal))).rejects.toBe(refusal)
  })

  it('and never comes to its end is given up with the signal', async () => {
    const reason = new Error('enough')
    const abort = new AbortController()
    const making = make(() => new Promise(() => {}), abort.signal)
    abort.abort(reason)
    await expect(making).rejects.toBe(reason)
  })
})
