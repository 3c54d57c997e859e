import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { compiled } from '../../../test/support/programs.ts'
import { silentLogger } from '../../base/logger.ts'
import { processStartTimeSync } from '../proc.ts'
import { type LazyHelper, lazyHelper } from './lazy-helper.ts'
import { isHelperLost } from './lost.ts'
import { startHelper } from './start-helper.ts'

const program = (name: string): string => compiled(new URL(`./${name}.fixture.ts`, import.meta.url))
let directory = ''

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'helper-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  expect.fail(`never: ${condition.toString()}`)
}

const isGone = (pid: number): boolean => processStartTimeSync(pid) === undefined

describe('a helper', () => {
  let helper: LazyHelper
  let starts = 0
  const exits: unknown[] = []

  beforeEach(() => {
    starts = 0
    exits.length = 0
    helper = lazyHelper(() => {
      starts++
      const onExit = (status: unknown): void => void exits.push(status)
      return startHelper({ file: program('helper'), env: {}, logger: silentLogger, onExit })
    })
  })
  afterEach(async () => {
    await helper.close()
  })

  it('starts at the first call, once, and answers', async () => {
    expect([helper.pid, starts]).toEqual([0, 0])
    const params = { text: 'ü\n"', list: [1, null], large: 'x'.repeat(300_000) }
    expect(await Promise.all([helper.call('echo', params), helper.call('echo', 2), helper.call('nothing', {})])).toEqual([
      params,
      2,
      undefined,
    ])
    expect(starts).toBe(1)
    expect(isGone(helper.pid)).toBe(false)
  })

  it('brings errors over as they are', async () => {
    await expect(helper.call('fail', {})).rejects.toMatchObject({
      code: 'not-found',
      details: { kind: 'thing', ref: 'it' },
      hint: 'Look elsewhere.',
      message: 'There is no such thing. Look elsewhere.',
    })
    await expect(helper.call('failPlainly', {})).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(helper.call('toString', {})).rejects.toMatchObject({ code: 'internal', details: { what: 'toString' } })
  })

  it('carries messages both ways', async () => {
    const heard: unknown[] = []
    async function* messages(): AsyncGenerator<number> {
      for (let i = 1; i <= 100; i++) yield i
    }
    expect(await helper.call('sum', {}, { messages: messages(), onMessage: (message) => heard.push(message) })).toBe(5050)
    expect(heard).toHaveLength(100)
    expect(heard.at(-1)).toEqual({ sum: 5050 })
  })

  it('lets go of the messages when a call ends before them, and gives up a call whose messages fail', async () => {
    let released = false
    async function* endless(): AsyncGenerator<number> {
      try {
        for (;;) {
          yield 1
          await new Promise((resolve) => setTimeout(resolve, 5))
        }
      } finally {
        released = true
      }
    }
    expect(await helper.call('echo', 1, { messages: endless() })).toBe(1)
    await until(() => released)
    const reason = new Error('no more')
    async function* failing(): AsyncGenerator<number> {
      yield 1
      throw reason
    }
    await expect(helper.call('sum', {}, { messages: failing() })).rejects.toBe(reason)
  })

  it('is killed with a call that hangs when that is aborted; other calls may be made again, by another helper', async () => {
    await helper.call('echo', 0)
    const first = helper.pid
    const abort = new AbortController()
    const reason = new Error('enough')
    const other = helper.call('never', {})
    const hanging = helper.call('hang', {}, { signal: abort.signal })
    setTimeout(() => abort.abort(reason), 20)
    await expect(hanging).rejects.toBe(reason)
    const error: unknown = await other.catch((failure: unknown) => failure)
    expect(isHelperLost(error)).toBe(true)
    expect(String(error)).toContain('hang hung')
    expect(await helper.call('echo', 1)).toBe(1)
    expect(helper.pid).not.toBe(first)
    expect(isGone(first)).toBe(true)
    expect(starts).toBe(2)
  })

  it('is killed for a call whose loop turns but that does not listen', async () => {
    await helper.call('echo', 0)
    const { pid } = helper
    const abort = new AbortController()
    const call = helper.call('never', {}, { signal: abort.signal })
    const other = helper.call('never', {})
    // What came before is running by now.
    await helper.call('echo', 1)
    abort.abort(new Error('no'))
    await expect(call).rejects.toThrow('no')
    // Given up because it says that it does not listen, or, on a busy machine, before it can say so.
    await expect(other).rejects.toThrow(/never (was given up|hung)/)
    expect(isGone(pid)).toBe(true)
  })

  it('lets a call that listens clean up, and lives on', async () => {
    const file = join(directory, 'clean')
    await helper.call('echo', 0)
    const { pid } = helper
    const abort = new AbortController()
    const polite = helper.call('polite', file, { signal: abort.signal })
    const late = helper.call('succeedLate', {}, { signal: abort.signal })
    const other = helper.call('wait', 600)
    setTimeout(() => abort.abort('why'), 50)
    await expect(polite).rejects.toBe('why')
    expect(readFileSync(file, 'utf8')).toBe('cleaned up')
    expect(await late).toBe('made')
    expect(await other).toBe('waited')
    expect(helper.pid).toBe(pid)
  })

  it('rejects at once what is aborted already', async () => {
    await expect(helper.call('echo', 0, { signal: AbortSignal.abort('before') })).rejects.toBe('before')
    await helper.call('echo', 0)
    await expect(helper.call('echo', 0, { signal: AbortSignal.abort('before') })).rejects.toBe('before')
  })

  it('is killed at a deadline', async () => {
    await helper.call('echo', 0)
    await expect(helper.call('hang', {}, { deadlineMs: 50 })).rejects.toMatchObject({ code: 'unavailable', details: { what: 'hang' } })
    expect(await helper.call('wait', 1, { deadlineMs: 5000 })).toBe('waited')
    expect(starts).toBe(2)
  })

  it('tells what ended it, and is started again', async () => {
    await expect(helper.call('crash', {})).rejects.toThrow('it exited with code 1')
    await expect(helper.call('exit', {})).rejects.toThrow('it exited with code 5')
    await helper.call('echo', 0)
    const call = helper.call('never', {})
    process.kill(helper.pid, 'SIGKILL')
    await expect(call).rejects.toThrow('it was killed by SIGKILL')
    await until(() => exits.length === 3)
    expect(await helper.call('echo', 3)).toBe(3)
    expect(starts).toBe(4)
  })

  it('that is dead when descriptors are sent to it tells the same', async () => {
    await helper.call('echo', 0)
    const { pid } = helper
    process.kill(pid, 'SIGKILL')
    // Before this process can hear of it.
    while (/^\d+ \(.*\) [^Z]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
    const nothing = openSync('/dev/null', 'r')
    try {
      await expect(helper.call('echo', 1, { descriptors: [nothing] })).rejects.toThrow('it was killed by SIGKILL')
      expect(await helper.call('echo', 2, { descriptors: [nothing] })).toBe(2)
    } finally {
      closeSync(nothing)
    }
  })

  it('says so when its program does not start', async () => {
    const broken = lazyHelper(() => startHelper({ file: '/nowhere.js', env: {}, logger: silentLogger }))
    await expect(broken.call('echo', 1)).rejects.toThrow('it exited with code 1 before it was ready')
    await broken.close()
    const missing = lazyHelper(() => startHelper({ file: '', prefix: ['/nowhere'], env: {}, logger: silentLogger }))
    await expect(missing.call('echo', 1)).rejects.toMatchObject({ code: 'ENOENT' })
    await missing.close()
  })

  it('ends by its own will when it is closed, and its calls with it', async () => {
    await helper.call('echo', 0)
    const { pid } = helper
    const call = helper.call('never', {})
    call.catch(() => {})
    await helper.close()
    await expect(call).rejects.toMatchObject({ code: 'closed' })
    await expect(helper.call('echo', 0)).rejects.toMatchObject({ code: 'closed' })
    expect(exits).toEqual([{ code: 0, signal: null }])
    expect(isGone(pid)).toBe(true)
  })

  it('leaves no descriptor behind', async () => {
    await helper.call('echo', 0)
    const count = (): number => readdirSync('/proc/self/fd').length
    const before = count()
    for (let i = 0; i < 3; i++) {
      await expect(helper.call('exit', {})).rejects.toThrow('code 5')
      await helper.call('echo', 0)
    }
    await until(() => count() <= before)
  })
})

describe('a host', () => {
  let host: ChildProcess | undefined
  const run = (...args: string[]): ChildProcess => {
    host = spawn(process.execPath, [program('host'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    return host
  }
  const outputOf = async (child: ChildProcess): Promise<string> => {
    let text = ''
    child.stdout?.on('data', (data: Buffer) => (text += data.toString()))
    await once(child, 'close')
    return text
  }
  afterEach(() => void host?.kill('SIGKILL'))

  it('ends when it has nothing to do, and its helper after it', async () => {
    const notice = join(directory, 'idle')
    const [hello, pid] = (await outputOf(run('idle', notice))).split('\n')
    expect(hello).toBe('hello')
    await until(() => existsSync(notice) && isGone(Number(pid)))
  })

  it('stays alive for an answer', async () => {
    expect(await outputOf(run('pending', join(directory, 'pending')))).toMatch(/^hello\n\d+\nwaited\n$/)
  })

  it('is missed by its helper when it is killed', async () => {
    const notice = join(directory, 'killed')
    const child = run('stay', notice)
    let text = ''
    child.stdout?.on('data', (data: Buffer) => (text += data.toString()))
    await until(() => text.split('\n').length === 3)
    const pid = Number(text.split('\n')[1])
    expect(isGone(pid)).toBe(false)
    child.kill('SIGKILL')
    await until(() => existsSync(notice) && isGone(pid))
    expect(readFileSync(notice, 'utf8')).toBe('the host is gone')
  })
})
