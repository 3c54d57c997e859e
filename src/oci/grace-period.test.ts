import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Helper } from '../linux/helper/helper.ts'
import { gracePeriods } from './grace-period.ts'
import { ociOperations } from './helper-operations.ts'

/** A helper in this process: the operation is the real one. */
function helperHere(pid: number): { readonly helper: Helper; readonly calls: Promise<unknown>[] } {
  const calls: Promise<unknown>[] = []
  const operation = ociOperations()['oci.grace-period']
  const call = (name: string): Promise<never> => {
    expect(name).toBe('oci.grace-period')
    const called = Promise.resolve(operation?.(undefined, {} as never)) as Promise<never>
    calls.push(called)
    return called
  }
  return { helper: { pid, call, close: async () => {} }, calls }
}

describe('gracePeriods', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
  afterEach(() => void vi.useRealTimers())

  it('asks once for all who ask while one is under way', async () => {
    const { helper, calls } = helperHere(1)
    const begin = gracePeriods(helper, async () => true)
    begin()
    begin()
    await turn()
    begin()
    expect(calls).toHaveLength(1)
    await calls[0]
    await turn()
    vi.advanceTimersByTime(20)
    begin()
    await turn()
    expect(calls).toHaveLength(2)
    await calls[1]
  })

  it('asks nobody for one of a row', async () => {
    const { helper, calls } = helperHere(1)
    const begin = gracePeriods(helper, async () => true)
    for (let i = 0; i < 10; i++) {
      begin()
      await Promise.all(calls)
      await turn()
      vi.advanceTimersByTime(5)
    }
    expect(calls).toHaveLength(1)
  })

  it('asks nobody who is not there, and not where nothing is gained', async () => {
    const absent = helperHere(0)
    gracePeriods(absent.helper, async () => true)()
    const useless = helperHere(1)
    gracePeriods(useless.helper, async () => false)()
    await turn()
    expect([...absent.calls, ...useless.calls]).toEqual([])
  })

  it('has failures that nobody minds, and goes on after them', async () => {
    let calls = 0
    const call = async (): Promise<never> => {
      calls++
      throw new Error('no')
    }
    const begin = gracePeriods({ pid: 1, call, close: async () => {} }, async () => true)
    begin()
    await turn()
    vi.advanceTimersByTime(20)
    begin()
    await turn()
    expect(calls).toBe(2)
  })
})
