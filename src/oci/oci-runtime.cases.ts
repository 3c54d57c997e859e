import assert from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isLibpodError } from '../base/errors.ts'
import { sleep } from '../base/time.ts'
import { makePipe, readAll } from '../linux/pipe.ts'
import { readProcessStat } from '../linux/proc.ts'
import { execTerminal } from './exec-terminal.ts'
import type { OCIExec, OCIExecOptions, OCIRuntime } from './oci-runtime.ts'
import { testProcess } from './test-support/bundle.ts'

/** What a conformance case works with. @public */
export interface OCIRuntimeCaseContext {
  readonly runtime: OCIRuntime
  /** A folder on tmpfs for files. */
  readonly directory: string
  /** Creates a container of the bundle that `makeTestBundle` makes, its program not started yet. It is deleted after the case, whatever state it is in. */
  create(args: readonly string[]): Promise<string>
}

/** One conformance case of the contract {@link OCIRuntime}. @public */
export interface OCIRuntimeCase {
  readonly name: string
  run(context: OCIRuntimeCaseContext): Promise<void>
}

let counter = 0

async function execute(
  { runtime, directory }: OCIRuntimeCaseContext,
  id: string,
  args: readonly string[],
  options: { readonly terminal?: boolean; readonly signal?: AbortSignal } = {},
): Promise<{ readonly stem: string; run(stdio: OCIExecOptions['stdio'], tty?: OCIExecOptions['tty']): Promise<OCIExec> }> {
  counter += 1
  const stem = join(directory, `exec-${process.pid}-${counter}`)
  await writeFile(`${stem}.json`, JSON.stringify(testProcess(args, options.terminal)))
  const files = { processFile: `${stem}.json`, pidFile: `${stem}.pid` }
  return {
    stem,
    run: (stdio, tty) =>
      runtime.exec(id, { ...files, stdio, ...(tty ? { tty } : {}), ...(options.signal ? { signal: options.signal } : {}) }),
  }
}

async function collect(
  context: OCIRuntimeCaseContext,
  id: string,
  args: readonly string[],
): Promise<{ exec: OCIExec; output: Promise<string>; errors: Promise<string> }> {
  const [stdout, stderr, nothing] = [makePipe(), makePipe(), openSync('/dev/null', 'r')]
  try {
    const exec = await (await execute(context, id, args)).run([nothing, stdout.write, stderr.write])
    const text = async (fd: number): Promise<string> => (await readAll(fd)).data.toString()
    return { exec, output: text(stdout.read), errors: text(stderr.read) }
  } finally {
    for (const fd of [stdout.write, stderr.write, nothing]) closeSync(fd)
  }
}

async function running(context: OCIRuntimeCaseContext): Promise<string> {
  const id = await context.create(['sleep', '1000'])
  await context.runtime.start(id)
  return id
}

async function quietExec(context: OCIRuntimeCaseContext, id: string, args: readonly string[], signal?: AbortSignal): Promise<OCIExec> {
  const nothing = openSync('/dev/null', 'r+')
  try {
    return await (await execute(context, id, args, signal ? { signal } : {})).run([nothing, nothing, nothing])
  } finally {
    closeSync(nothing)
  }
}

/** Waits until a process is this program: its pid is known a moment before that. */
async function begun(pid: number, program: RegExp): Promise<void> {
  for (let look = 0; look < 200; look += 1) {
    if (program.test(await readFile(`/proc/${pid}/cmdline`, 'utf8'))) return
    await sleep(10)
  }
  assert.fail(`process ${pid} is not ${program}`)
}

/** Waits for the end of a process that is no child of this one. */
async function gone(pid: number): Promise<void> {
  for (let look = 0; look < 200; look += 1) {
    const stat = await readProcessStat(pid)
    if (stat === undefined || stat.state === 'Z') return
    await sleep(10)
  }
  assert.fail(`process ${pid} still runs`)
}

function failsWith(exitCode: number, words: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isLibpodError(error, 'command-failed'), String(error))
    assert.equal(error.details.exitCode, exitCode, error.message)
    assert.match(error.message, words)
    return true
  }
}

/** The conformance cases of the contract {@link OCIRuntime}. @public */
export const ociRuntimeCases: readonly OCIRuntimeCase[] = [
  {
    name: 'does not know, but does not mind, a container that is not there',
    async run({ runtime }) {
      assert.equal(await runtime.state('nobody'), undefined)
      assert.deepEqual(await runtime.kill('nobody', 15), { found: false })
      assert.deepEqual(await runtime.delete('nobody'), { found: false })
      await runtime.delete('nobody', { force: true })
      await assert.rejects(runtime.start('nobody'), failsWith(1, /start failed/))
    },
  },
  {
    name: 'takes a container through its life',
    async run(context) {
      const { runtime } = context
      const id = await context.create(['sleep', '1000'])
      const status = async (): Promise<string | undefined> => (await runtime.state(id))?.status
      assert.equal(await status(), 'created')
      await runtime.start(id)
      assert.equal(await status(), 'running')
      const pid = (await runtime.state(id))?.pid ?? 0
      assert.match(await readFile(`/proc/${pid}/cmdline`, 'utf8'), /^sleep/)
      await runtime.pause(id)
      assert.equal(await status(), 'paused')
      await runtime.resume(id)
      assert.equal(await status(), 'running')
      assert.deepEqual(await runtime.kill(id, 9), { found: true })
      await gone(pid)
      assert.equal(await status(), 'stopped')
      assert.deepEqual(await runtime.kill(id, 9), { found: false })
      assert.deepEqual(await runtime.delete(id), { found: true })
      assert.equal(await status(), undefined)
    },
  },
  {
    name: 'deletes a running container when forced to, and refuses otherwise',
    async run(context) {
      const id = await running(context)
      await assert.rejects(context.runtime.delete(id), failsWith(1, /delete failed/))
      const pid = (await context.runtime.state(id))?.pid ?? 0
      assert.deepEqual(await context.runtime.delete(id, { force: true }), { found: true })
      await gone(pid)
    },
  },
  {
    name: 'gives the exit code and the output of an exec',
    async run(context) {
      const id = await running(context)
      const { exec, output, errors } = await collect(context, id, ['sh', '-c', 'echo out; echo err >&2; exit 7'])
      assert.equal(await exec.exited, 7)
      assert.equal(await output, 'out\n')
      assert.equal(await errors, 'err\n')
      const killed = await collect(context, id, ['sh', '-c', 'kill -9 $$'])
      assert.equal(await killed.exec.exited, 137)
    },
  },
  {
    name: 'tells apart a program that is not there and one that may not be run',
    async run(context) {
      const id = await running(context)
      const missing = await quietExec(context, id, ['/bin/nope'])
      await assert.rejects(missing.exited, failsWith(127, /nope/))
      const refused = await quietExec(context, id, ['/bin/not-executable'])
      await assert.rejects(refused.exited, failsWith(126, /permission denied/i))
    },
  },
  {
    name: 'kills the program of an exec, not only the runtime',
    async run(context) {
      const id = await running(context)
      const exec = await quietExec(context, id, ['sleep', '999'])
      const pid = (await exec.programPid()) ?? assert.fail('no pid')
      await begun(pid, /999/)
      await exec.kill(9)
      assert.equal(await exec.exited, 137)
      await gone(pid)
      await exec.kill(9)
      const early = await quietExec(context, id, ['sleep', '998'])
      await early.kill(9)
      assert.equal(await early.exited, 137)
      const asked = await quietExec(context, id, ['sh', '-c', 'trap "exit 5" TERM; echo; while :; do sleep 0.05; done'])
      await asked.programPid()
      await sleep(300)
      await asked.kill(15)
      assert.equal(await asked.exited, 5)
    },
  },
  {
    name: 'kills the program of an exec that is aborted',
    async run(context) {
      const id = await running(context)
      const controller = new AbortController()
      const exec = await quietExec(context, id, ['sleep', '997'], controller.signal)
      const pid = (await exec.programPid()) ?? assert.fail('no pid')
      controller.abort(new Error('enough'))
      assert.equal(await exec.exited, 137)
      await gone(pid)
      const reason = { why: 'before' }
      await assert.rejects(quietExec(context, id, ['true'], AbortSignal.abort(reason)), (error) => error === reason)
    },
  },
  {
    name: 'rejects with the reason of an abort, untouched',
    async run(context) {
      const reason = { why: 'enough' }
      const id = await context.create(['true'])
      await assert.rejects(context.runtime.start(id, { signal: AbortSignal.abort(reason) }), (error) => error === reason)
      await assert.rejects(context.runtime.state(id, { signal: AbortSignal.abort(reason) }), (error) => error === reason)
      assert.equal((await context.runtime.state(id))?.status, 'created')
    },
  },
  {
    name: 'gives an exec a terminal that can be resized and typed at',
    async run(context) {
      const id = await running(context)
      const prepared = await execute(context, id, ['sh', '-c', 'stty size; read line; stty size; echo "got $line"; exit 3'], {
        terminal: true,
      })
      // A socket's address has 107 bytes; the paths of an engine may have more.
      const folder = join(context.directory, 'long'.repeat(30))
      await mkdir(folder, { recursive: true })
      const { exec, terminal } = await execTerminal(
        { runtime: context.runtime, socketPath: join(folder, 'console.sock'), run: prepared.run },
        { rows: 30, columns: 100 },
      )
      let text = ''
      terminal.setEncoding('utf8').on('data', (data: string) => {
        text += data
      })
      const until = async (words: string): Promise<void> => {
        for (let look = 0; look < 300 && !text.includes(words); look += 1) await sleep(10)
        assert.ok(text.includes(words), `${JSON.stringify(text)} lacks ${words}`)
      }
      await until(' ')
      terminal.resize({ rows: 40, columns: 120 })
      // The runtime passes a new size on by itself; nothing tells when it has.
      await sleep(200)
      terminal.write('hello\n')
      await until('got hello')
      assert.match(text, /40 120/)
      assert.equal(await exec.exited, 3)
      if (!terminal.readableEnded) await new Promise((resolve) => terminal.once('end', resolve))
      terminal.destroy()
    },
  },
  {
    name: 'loses nothing of programs with terminals that end at once',
    async run(context) {
      const id = await running(context)
      const one = async (): Promise<string> => {
        const prepared = await execute(context, id, ['echo', 'quick'], { terminal: true })
        const { exec, terminal } = await execTerminal(
          { runtime: context.runtime, socketPath: `${prepared.stem}.sock`, run: prepared.run },
          { rows: 24, columns: 80 },
        )
        let text = ''
        for await (const data of terminal) text += String(data)
        assert.equal(await exec.exited, 0)
        // runc copies between two terminals; what is written before it has set up the inner one, both make a CR of.
        return text.replace('\r\r\n', '\r\n')
      }
      for (let round = 0; round < 3; round += 1)
        assert.deepEqual(await Promise.all(Array.from({ length: 4 }, one)), Array(4).fill('quick\r\n'))
    },
  },
]
