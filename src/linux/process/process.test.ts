import { spawn as nodeSpawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isLibpodError } from '../../base/errors.ts'
import { libc } from '../native/libc.ts'
import { makePipe, readAll } from '../pipe.ts'
import { processStartTimeSync } from '../proc.ts'
import { findProgram, firstProgram, isFaultOfProgram } from './find-program.ts'
import { commandFailed, runProgram } from './run-program.ts'
import { type SpawnedProcess, type SpawnOptions, spawnProcess, spawnProcessInPool } from './spawn.ts'

const env = { PATH: '/usr/bin:/bin' }
const quiet = ['ignore', 'ignore', 'ignore'] as const

function shell(script: string, stdio: SpawnOptions['stdio'] = quiet, options: Partial<SpawnOptions> = {}): SpawnedProcess {
  return spawnProcess({ file: '/bin/sh', args: ['-c', script], env, stdio, ...options })
}

function openDescriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`]
    } catch {
      return []
    }
  })
}

describe('spawnProcessInPool', () => {
  it('starts any number at once, tells their ends, and leaves no descriptor', async () => {
    await (await spawnProcessInPool({ file: '/bin/true', args: [], env, stdio: quiet })).exited
    const before = openDescriptors()
    const one = async (_: unknown, at: number): Promise<number | null> =>
      (await (await spawnProcessInPool({ file: '/bin/sh', args: ['-c', `exit ${at % 7}`], env, stdio: quiet })).exited).code
    expect(await Promise.all(Array.from({ length: 300 }, one))).toEqual(Array.from({ length: 300 }, (_, at) => at % 7))
    expect(openDescriptors()).toEqual(before)
  })

  it('rejects for a program or a folder that is not there', async () => {
    const missing = { args: [], env, stdio: quiet }
    await expect(spawnProcessInPool({ ...missing, file: '/nowhere/program' })).rejects.toMatchObject({
      code: 'ENOENT',
      path: '/nowhere/program',
    })
    await expect(spawnProcessInPool({ ...missing, file: '/bin/true', cwd: '/nowhere' })).rejects.toMatchObject({
      code: 'ENOENT',
      path: '/nowhere',
    })
  })
})

describe('spawnProcess', () => {
  it('tells codes and signals', async () => {
    expect(await shell('exit 7').exited).toEqual({ code: 7, signal: null })
    expect(await shell('kill -TERM $$').exited).toEqual({ code: null, signal: 'SIGTERM' })
    const sleeper = shell('exec sleep 60')
    expect(sleeper.kill(35)).toBe(true)
    expect(await sleeper.exited).toEqual({ code: null, signal: 'SIGRTMIN+1' })
    expect(sleeper.kill(9)).toBe(false)
    expect(sleeper.pidfd).toBe(-1)
  })

  it('throws at once when there is no such program, and tells a missing working directory apart', () => {
    const missing = { args: [], env, stdio: quiet }
    expect(() => spawnProcess({ ...missing, file: '/nowhere/program' })).toThrow(
      expect.objectContaining({ code: 'ENOENT', path: '/nowhere/program' }),
    )
    expect(() => spawnProcess({ ...missing, file: '/etc/passwd' })).toThrow(expect.objectContaining({ code: 'EACCES' }))
    expect(() => spawnProcess({ ...missing, file: '/bin/true', cwd: '/nowhere/else' })).toThrow(
      expect.objectContaining({ code: 'ENOENT', path: '/nowhere/else' }),
    )
    expect(() => spawnProcess({ ...missing, file: '/bin/true', args: ['a\0b'] })).toThrow(expect.objectContaining({ code: 'EINVAL' }))
  })

  it('gives environment, name, arguments and working directory as they are', async () => {
    const { read, write } = makePipe()
    const child = spawnProcess({
      file: '/bin/sh',
      argv0: 'other-name',
      args: ['-c', 'pwd; env -u PWD -u _ -u OLDPWD | sort; tr "\\0" " " < /proc/$$/cmdline', 'x', 'ü "\' \n'],
      env: { A: 'b=c', UNI: 'ö' },
      cwd: '/usr',
      stdio: ['ignore', write, 'ignore'],
    })
    libc().close(write)
    const { data } = await readAll(read)
    await child.exited
    expect(data.toString()).toMatch(/^\/usr\nA=b=c\nUNI=ö\nother-name -c /)
    expect(data.toString()).toContain('x ü "\' \n')
  })

  it('starts the child with no signal blocked or ignored', async () => {
    const { stdout } = await runProgram({ file: '/bin/grep', args: ['-E', 'Sig(Blk|Ign)', '/proc/self/status'], env })
    expect(stdout.toString().match(/[0-9a-f]{16}/g)).toEqual(['0'.repeat(16), '0'.repeat(16)])
  })

  it('gives sessions and process groups of their own', async () => {
    const read = async (options: Partial<SpawnOptions>): Promise<number[]> => {
      const pipe = makePipe()
      const child = shell('cat /proc/$$/stat', ['ignore', pipe.write, 'ignore'], options)
      libc().close(pipe.write)
      const fields = (await readAll(pipe.read)).data.toString().split(' ')
      await child.exited
      return [child.pid, Number(fields[4]), Number(fields[5])]
    }
    const [pid, group, session] = await read({ setsid: true })
    expect([group, session]).toEqual([pid, pid])
    const [pid2, group2, session2] = await read({ processGroup: true })
    expect(group2).toBe(pid2)
    expect(session2).not.toBe(pid2)
  })

  it('opens a terminal in the child so that it controls its session', async () => {
    const { openPty } = await import('../pty.ts')
    const { master, slavePath } = openPty({ rows: 5, columns: 6 })
    const terminal = { open: slavePath, flags: 2 } as const
    const { read, write } = makePipe()
    const child = shell('tty; tty < /dev/tty >&3; stty size >&3', [terminal, terminal, terminal, write], { setsid: true })
    libc().close(write)
    const { data } = await readAll(read)
    await child.exited
    libc().close(master)
    expect(data.toString()).toBe('/dev/tty\n5 6\n')
  })

  describe('descriptors', () => {
    let directory = ''
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'spawn-'))
    })
    afterEach(() => rmSync(directory, { recursive: true }))

    it('come out right whatever numbers they have', async () => {
      const paths = ['a', 'b', 'c', 'd', 'e'].map((name) => join(directory, name))
      for (const path of paths) writeFileSync(path, '')
      const opened = paths.map((path) => openSync(path, 'r+'))
      const orders = [
        [0, 1, 2, 3, 4],
        [4, 3, 2, 1, 0],
        [1, 0, 3, 2, 4],
        [1, 2, 3, 4, 0],
        [2, 2, 2, 2, 2],
        [0, 0, 1, 1, 4],
      ]
      for (const order of orders) {
        const lowest = Math.min(...opened)
        // The child's numbers begin where ours begin: permutations, cycles and copies, each of them overwritten at some point.
        const stdio = [...Array.from({ length: lowest }, () => 'ignore' as const), ...order.map((index) => opened[index] ?? -1)]
        const pipe = makePipe()
        stdio[1] = pipe.write
        const child = shell(`for i in ${order.map((_, i) => lowest + i).join(' ')}; do readlink /proc/$$/fd/$i; done`, stdio)
        libc().close(pipe.write)
        const seen = (await readAll(pipe.read)).data.toString().trim().split('\n')
        await child.exited
        expect(seen).toEqual(order.map((index) => paths[index]))
      }
      for (const fd of opened) libc().close(fd)
    })

    it('are closed in the child unless they are given, also such as nobody marked', async () => {
      const careless = openSync(directory, 'r')
      libc().fcntl(careless, 2, 0)
      const pipe = makePipe()
      const child = shell('ls /proc/$$/fd', ['ignore', pipe.write, 'ignore', careless])
      libc().close(pipe.write)
      const seen = (await readAll(pipe.read)).data.toString().trim().split('\n').map(Number)
      await child.exited
      libc().close(careless)
      expect(seen.filter((fd) => fd < 10)).toEqual([0, 1, 2, 3])
      expect(seen.length).toBeLessThanOrEqual(5)
    })
  })

  it('notices 200 exits at once, next to Node’s own children, and leaves no descriptor and no zombie', async () => {
    await shell('exit 0').exited
    const before = openDescriptors()
    const own = Array.from(
      { length: 20 },
      (_, i) => new Promise((resolve) => nodeSpawn('/bin/sh', ['-c', `exit ${i}`]).on('exit', resolve)),
    )
    const gate = makePipe()
    const children = Array.from({ length: 200 }, (_, i) => shell(`read x; exit ${i % 100}`, [gate.read, 'ignore', 'ignore']))
    libc().close(gate.read)
    libc().close(gate.write)
    const statuses = await Promise.all(children.map(({ exited }) => exited))
    expect(statuses.map(({ code }) => code)).toEqual(children.map((_, i) => i % 100))
    expect(await Promise.all(own)).toEqual(own.map((_, i) => i))
    await new Promise((resolve) => setImmediate(resolve))
    const kept = openDescriptors().filter((line) => !before.includes(line) && !/\/proc\/\d+\/fd$|socket:/.test(line))
    expect(kept).toEqual([])
    for (const { pid } of children) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })
})

describe('runProgram', () => {
  it('feeds and collects, with more than a pipe holds', async () => {
    const input = Buffer.alloc(3_000_000, 'abc')
    const result = await runProgram({ file: '/bin/cat', args: [], env, input })
    expect(result).toMatchObject({ code: 0, signal: null, timedOut: false, truncated: false })
    expect(result.stdout.equals(input)).toBe(true)
  })

  it('does not mind a program that reads no input', async () => {
    expect(await runProgram({ file: '/bin/true', args: [], env, input: Buffer.alloc(1_000_000) })).toMatchObject({ code: 0 })
  })

  it('keeps so much and no more', async () => {
    const result = await runProgram({ file: '/bin/sh', args: ['-c', 'head -c 500000 /dev/zero; echo err >&2'], env, maxOutputBytes: 1000 })
    expect(result.stdout).toEqual(Buffer.alloc(1000))
    expect(result).toMatchObject({ code: 0, truncated: true, stderr: Buffer.from('err\n') })
  })

  it('ends with the program, not with what it left behind', async () => {
    const { stdout } = await runProgram({ file: '/bin/sh', args: ['-c', 'sleep 600 & echo $!'], env })
    // It is still there, or this throws.
    process.kill(Number(stdout.toString()), 'SIGKILL')
  })

  it('kills it with its children on a timeout', async () => {
    const result = await runProgram({ file: '/bin/sh', args: ['-c', 'sleep 60 & echo $!; wait'], env, timeoutMs: 200 })
    expect(result).toMatchObject({ code: null, signal: 'SIGKILL', timedOut: true })
    await expectGone(Number(result.stdout.toString()))
  })

  it('kills it on an abort and rejects with the reason', async () => {
    const reason = new Error('enough')
    const abort = new AbortController()
    setTimeout(() => abort.abort(reason), 50)
    await expect(runProgram({ file: '/bin/sleep', args: ['60'], env, signal: abort.signal })).rejects.toBe(reason)
    await expect(runProgram({ file: '/bin/sleep', args: ['60'], env, signal: abort.signal })).rejects.toBe(reason)
  })

  it('gives a descriptor on as number 3', async () => {
    const pipe = makePipe()
    const running = runProgram({ file: '/bin/sh', args: ['-c', 'echo three >&3'], env, stdio3: pipe.write })
    libc().close(pipe.write)
    expect((await readAll(pipe.read)).data.toString()).toBe('three\n')
    await running
  })

  it('makes an error of a failure', async () => {
    const result = await runProgram({ file: '/bin/sh', args: ['-c', 'echo broken >&2; exit 4'], env })
    const error = commandFailed(['sh', '-c'], result)
    expect(isLibpodError(error, 'command-failed')).toBe(true)
    expect(error.details).toEqual({ argv: ['sh', '-c'], exitCode: 4, stderr: 'broken' })
    expect(error.message).toBe('sh -c failed with exit code 4. It wrote: broken')
  })
})

describe('findProgram', () => {
  it('takes executable files only, the first that is found', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'find-'))
    try {
      for (const name of ['one', 'two', 'three']) mkdirSync(join(directory, name))
      mkdirSync(join(directory, 'one', 'tool'))
      writeFileSync(join(directory, 'two', 'tool'), '', { mode: 0o644 })
      writeFileSync(join(directory, 'three', 'tool'), '', { mode: 0o755 })
      const directories = ['missing', 'one', 'two', 'three'].map((name) => join(directory, name))
      expect(await findProgram('tool', directories)).toBe(join(directory, 'three', 'tool'))
      expect(await findProgram('other', directories)).toBeUndefined()
      expect(await findProgram(join(directory, 'two', 'tool'))).toBeUndefined()
      expect(await findProgram('sh')).toMatch(/\/sh$/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe('firstProgram', () => {
  it('passes over folders, files that are not executable, and what is not there', async () => {
    expect(await firstProgram(['/nowhere/sh', '/tmp', '/etc/passwd', '/bin/sh', '/bin/true'])).toBe('/bin/sh')
    expect(await firstProgram(['/tmp'])).toBeUndefined()
  })
})

describe('isFaultOfProgram', () => {
  it('tells a file that is no program from other failures', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fault-'))
    try {
      const file = join(directory, 'text')
      writeFileSync(file, 'neither a script nor a program\n', { mode: 0o755 })
      const failure = async (changes: object): Promise<unknown> =>
        runProgram({ file, args: [], env, ...changes }).catch((error: unknown) => error)
      expect(isFaultOfProgram(await failure({}))).toBe(true)
      expect(isFaultOfProgram(await failure({ file: directory }))).toBe(true)
      expect(isFaultOfProgram(await failure({ args: ['x'.repeat(200_000)] }))).toBe(false)
      expect(isFaultOfProgram(await failure({ signal: AbortSignal.abort() }))).toBe(false)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

async function expectGone(pid: number): Promise<void> {
  for (let i = 0; i < 100; i++) {
    // A zombie of somebody else has ended as well.
    if (processStartTimeSync(pid) === undefined) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  expect.fail(`process ${pid} still runs`)
}
