import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LibpodError } from '../base/errors.ts'
import { silentLogger } from '../base/logger.ts'
import { BackgroundCollection } from './background-collection.ts'

let collected = 0
let errors: string[] = []
const logger = { ...silentLogger, error: (message: string) => void errors.push(message) }
const count = async (): Promise<void> => void collected++

beforeEach(() => {
  vi.useFakeTimers()
  collected = 0
  errors = []
})

afterEach(() => void vi.useRealTimers())

describe('collecting in the background', () => {
  it('waits for the last of a group', async () => {
    const background = new BackgroundCollection(count, logger)
    for (let round = 0; round < 5; round++) {
      background.schedule()
      await vi.advanceTimersByTimeAsync(500)
    }
    expect(collected).toBe(0)
    await vi.advanceTimersByTimeAsync(1000)
    expect(collected).toBe(1)
    await background.close()
    expect(collected).toBe(1)
  })

  it('does what is due when it is closed, and nothing afterwards', async () => {
    const background = new BackgroundCollection(count, logger)
    background.schedule()
    await background.close()
    expect(collected).toBe(1)
    background.schedule()
    await background.close()
    await vi.advanceTimersByTimeAsync(5000)
    expect(collected).toBe(1)
  })

  it('does nothing at the end when there is nothing to do', async () => {
    await new BackgroundCollection(count, logger).close()
    expect(collected).toBe(0)
  })

  it('is aborted when closing takes too long', async () => {
    const background = new BackgroundCollection(
      (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      logger,
    )
    background.schedule()
    const closing = background.close()
    await vi.advanceTimersByTimeAsync(5000)
    await closing
    expect(errors).toEqual([])
  })

  it('tells the logger what failed, and goes on', async () => {
    const failures = [new Error('no disk'), new LibpodError('closed', 'It is closed.', { what: 'store' })]
    const background = new BackgroundCollection(async () => {
      const failure = failures.shift()
      if (failure) throw failure
      collected++
    }, logger)
    for (let round = 0; round < 3; round++) {
      background.schedule()
      await vi.advanceTimersByTimeAsync(1000)
    }
    await background.close()
    expect(errors).toEqual(['Collecting garbage failed: no disk'])
    expect(collected).toBe(1)
  })

  it('does not keep the process alive', async () => {
    vi.useRealTimers()
    const { spawnSync } = await import('node:child_process')
    const url = new URL('./background-collection.ts', import.meta.url).href
    const code = `import { BackgroundCollection } from ${JSON.stringify(url)}
      new BackgroundCollection(async () => console.log('collected'), console).schedule()`
    const { status, stdout } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code])
    expect([status, stdout.toString()]).toEqual([0, ''])
  })
})
