import { setTimeout as sleep } from 'node:timers/promises'
import type { Container } from 'libpod-ts'
import { isLibpodError } from 'libpod-ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { image, testRuntime, useEngine } from '../support/engine.ts'
import { failure } from '../support/results.ts'

const engine = useEngine()
let container: Container

beforeAll(async () => {
  container = await engine.runtime.containers.create({ image, command: ['sleep', '600'], network: 'none', env: { FROM: 'container' } })
  await container.start()
})

afterAll(() => container.remove({ force: true }))

const processes = async (): Promise<string[]> => (await container.top({ fields: ['args'] })).processes.map(([command = '']) => command)

describe('exec', () => {
  it('collects output and exit code', async () => {
    const result = await container.exec(['sh', '-c', 'echo out; echo err >&2; exit 7'])
    expect(result).toEqual({ exitCode: 7, stdout: 'out\n', stderr: 'err\n', timedOut: false, truncated: false })
  })

  it('feeds its input, byte for byte', async () => {
    const input = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 256))
    const { stdout } = await container.exec(['cat'], { input, encoding: 'buffer' })
    expect(stdout.equals(input)).toBe(true)
  })

  it('has the environment, user and folder it is given', async () => {
    const { stdout } = await container.exec(['sh', '-c', 'echo $FROM $TO $HOME; id -u; id -g; pwd'], {
      env: { TO: 'exec' },
      user: 'guest',
      workdir: '/tmp',
    })
    expect(stdout).toBe('container exec /home\n1000\n1000\n/tmp\n')
  })

  it('gives 128 + n after a signal', async () => {
    expect((await container.exec(['sh', '-c', 'kill -TERM $$'])).exitCode).toBe(143)
  })

  it('says 127 for a program that does not exist, and 126 for one that cannot be executed', async () => {
    await expect(container.exec(['no-such-program'])).rejects.toSatisfy(
      (error) => isLibpodError(error, 'command-failed') && error.details.exitCode === 127,
    )
    await expect(container.exec(['/etc/passwd'])).rejects.toSatisfy(
      (error) => isLibpodError(error, 'command-failed') && error.details.exitCode === 126,
    )
  })

  it('keeps what it may and says that there was more', async () => {
    const { stdout, truncated } = await container.exec(['sh', '-c', 'yes | head -c 100000'], { maxOutputBytes: 1000 })
    expect(stdout).toHaveLength(1000)
    expect(truncated).toBe(true)
  })

  it('leaves no process behind when it is over time', async () => {
    const { timedOut } = await container.exec(['sleep', '1234'], { timeoutMs: 200 })
    expect(timedOut).toBe(true)
    expect(await processes()).not.toContain('sleep 1234')
  })

  it('leaves no process behind when it is aborted, and rejects with the reason', async () => {
    const abort = new AbortController()
    const reason = new Error('enough')
    const exec = container.exec(['sleep', '4321'], { signal: abort.signal })
    await expect.poll(processes).toContain('sleep 4321')
    abort.abort(reason)
    await expect(exec).rejects.toBe(reason)
    expect(await processes()).not.toContain('sleep 4321')
  })

  it('does not wait for what the program leaves running', async () => {
    // runc itself, unlike crun, does not end before everybody has closed the output of an exec.
    const output = testRuntime === 'runc' ? '>/dev/null 2>&1' : ''
    const { stdout } = await container.exec(['sh', '-c', `sleep 3333 ${output} & echo $!`])
    // The shell may be over before its child has become `sleep`.
    await expect.poll(processes).toContain('sleep 3333')
    expect((await container.exec(['kill', stdout.trim()])).exitCode).toBe(0)
  })

  it.each<[object, string]>([
    [{ tty: true }, 'tty'],
    [{ stdin: true }, 'stdin'],
    [{ env: { 'A=B': 'x' } }, 'env.A=B'],
    [{ env: { A: 'x\0y' } }, 'env.A'],
    [{ workdir: 'relative' }, 'workdir'],
  ])('refuses %j', async (options, path) => {
    expect(await failure(container.exec(['true'], options))).toMatchObject({ code: 'invalid-argument', details: { path } })
  })

  it('runs thirty at once', async () => {
    const results = await Promise.all(Array.from({ length: 30 }, (_, i) => container.exec(['sh', '-c', `echo ${i}; exit ${i}`])))
    expect(results.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual(results.map((_, i) => [i, `${i}\n`]))
  })
})

describe('exec in a container that ends', () => {
  it.each(['kill', 'remove'])('tells of its state, whatever the runtime stumbled over: %s', async (how) => {
    const outcomes = new Set<string>()
    for (let round = 0; round < 4; round++) {
      const ending = await engine.runtime.containers.create({ image, command: ['sleep', '600'], network: 'none' })
      await ending.start()
      let isOver = false
      const execute = async (): Promise<void> => {
        while (!isOver) {
          await ending.exec(['true']).then(
            ({ exitCode }) => outcomes.add(String(exitCode)),
            (error: Error & { code?: string }) => outcomes.add(error.code === 'command-failed' ? error.message : String(error.code)),
          )
          // A refusal takes no turn of the loop.
          await sleep(1)
        }
      }
      const all = Promise.all(Array.from({ length: 6 }, execute))
      await sleep(60 + 15 * round)
      await (how === 'kill' ? ending.kill() : ending.remove({ force: true }))
      await sleep(100)
      isOver = true
      await all
      await ending.remove({ force: true, ifExists: true })
    }
    const usual = ['0', '137', 'invalid-state', ...(how === 'remove' ? ['not-found'] : [])]
    expect([...outcomes].filter((outcome) => !usual.includes(outcome))).toEqual([])
  })
})

describe('spawn', () => {
  it.each<[object, string]>([
    [{ timeoutMs: 300 }, 'timeoutMs'],
    [{ input: 'x' }, 'input'],
    [{ encoding: 'buffer' }, 'encoding'],
    [{ env: { '': 'x' } }, 'env.'],
  ])('refuses %j', async (options, path) => {
    expect(await failure(container.spawn(['true'], options))).toMatchObject({ code: 'invalid-argument', details: { path } })
  })

  it('streams both ways', async () => {
    await using session = await container.spawn(['sh', '-c', 'while read line; do echo "<$line>"; done; exit 4'], { stdin: true })
    session.stdin?.write('one\n')
    let heard = ''
    for await (const chunk of session.stdout) {
      heard += String(chunk)
      if (heard === '<one>\n') session.stdin?.end('two\n')
    }
    expect(heard).toBe('<one>\n<two>\n')
    expect(await session.wait()).toEqual({ exitCode: 4 })
  })

  it('gives a terminal of the size asked for', async () => {
    // crun gives the terminal its size just after the program has started: that is a SIGWINCH, too. Before that, stty succeeds and has
    // nothing to say.
    const script = `trap "told=yes" WINCH; until [ "$size" ]; do size=$(stty size 2>/dev/null); done; told=; echo $size
      until [ "$told" ]; do sleep 0.05; done; stty size; exit 3`
    await using session = await container.spawn(['sh', '-c', script], { tty: { rows: 33, columns: 99 } })
    let heard = ''
    for await (const chunk of session.stdout) {
      heard += String(chunk)
      if (heard === '33 99\r\n') await session.resize({ rows: 44, columns: 111 })
    }
    expect(heard).toBe('33 99\r\n44 111\r\n')
    expect((await session.wait()).exitCode).toBe(3)
  })

  it('kills its program when it is disposed of', async () => {
    {
      await using session = await container.spawn(['sleep', '7777'])
      await expect.poll(processes).toContain('sleep 7777')
      expect(session.stdin).toBeUndefined()
    }
    expect(await processes()).not.toContain('sleep 7777')
  })

  it('with a terminal, in a container that is killed meanwhile, holds nobody up', async () => {
    const rounds = Array.from({ length: 12 }, async (_, round) => {
      const ending = await engine.runtime.containers.create({ image, command: ['sleep', '600'], network: 'none' })
      await ending.start()
      const session = await ending.spawn(['sleep', '60'], { tty: true })
      await sleep(round)
      await ending.remove({ force: true })
      await session.wait().catch(() => {})
    })
    await Promise.all(rounds)
  })
})
