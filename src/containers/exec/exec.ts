import { closeSync, openSync } from 'node:fs'
import { onAbort } from '../../base/abort.ts'
import { type Collected, collect, makePipe, writeAll } from '../../linux/pipe.ts'
import type { ContainersServices } from '../services.ts'
import { endedByClosing } from '../while-closing.ts'
import { prepareExec } from './begin.ts'
import { encodeOutput } from './encode-output.ts'
import { checkExec, type ExecOptions, type ExecResult } from './options.ts'

const defaultMaxOutputBytes = 16 * 1024 * 1024

/** Runs a program in a running container and collects its output. It ends with its engine: nobody else would be told how it ended. */
export async function execContainer(
  services: ContainersServices,
  id: string,
  command: readonly string[],
  options: ExecOptions<'utf8' | 'buffer'> = {},
): Promise<ExecResult<string | Buffer>> {
  await checkExec('exec', command, options)
  return endedByClosing(services, options, (inner, own) => exec(inner, id, command, own))
}

async function exec(
  services: ContainersServices,
  id: string,
  command: readonly string[],
  options: ExecOptions<'utf8' | 'buffer'>,
): Promise<ExecResult<string | Buffer>> {
  const { input, timeoutMs, maxOutputBytes = defaultMaxOutputBytes, encoding = 'utf8', signal } = options
  signal?.throwIfAborted()
  const prepared = await prepareExec(services, id, command, options)
  let exitCode: number | undefined
  try {
    const stdin = input === undefined ? { read: openSync('/dev/null', 'r'), write: undefined } : makePipe()
    const stdout = makePipe()
    const stderr = makePipe()
    const theirs = [stdin.read, stdout.write, stderr.write] as const
    const running = await prepared
      .run(theirs)
      .catch((error: unknown) => {
        for (const fd of [stdin.write, stdout.read, stderr.read]) if (fd !== undefined) closeSync(fd)
        throw error
      })
      .finally(() => theirs.forEach(closeSync))
    const outputs = [collect(stdout.read, { max: maxOutputBytes }), collect(stderr.read, { max: maxOutputBytes })] as const
    const feeding = new AbortController()
    const fed = stdin.write === undefined || input === undefined ? undefined : writeAll(stdin.write, input, { signal: feeding.signal })
    fed?.catch(() => {})
    let timedOut = false
    const kill = (): void => void running.kill(9).catch(() => {})
    const release = onAbort(signal, kill)
    const giveUp = (): void => {
      timedOut = true
      kill()
    }
    const timer = timeoutMs === undefined ? undefined : setTimeout(giveUp, timeoutMs)
    try {
      exitCode = await running.exited
    } catch (error) {
      // What it failed with is then only what became of that.
      signal?.throwIfAborted()
      throw error
    } finally {
      clearTimeout(timer)
      release()
      // What it left running in the background may hold the pipes open; it is not waited for.
      for (const output of outputs) output.finish()
      if (fed !== undefined) feeding.abort()
    }
    const [out, err] = await Promise.all(outputs.map(({ done }) => done))
    signal?.throwIfAborted()
    const text = (collected?: Collected): string | Buffer => encodeOutput(collected?.data ?? Buffer.alloc(0), encoding)
    return { exitCode, stdout: text(out), stderr: text(err), timedOut, truncated: out?.truncated || err?.truncated || false }
  } finally {
    await prepared.finish(exitCode)
  }
}
